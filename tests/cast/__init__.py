"""Plain factories, and one cast of people and places for all tests.

Each takes keyword arguments for whatever the test is about and fills in the rest. Times default to
NOON, a Monday. The modules are named for the packages whose rows they make; a test that needs few
factories imports them from here, one that needs many from the modules.
"""

from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_block, make_issue, make_running, make_story
from tests.cast.newsletters import (
    make_appeal,
    make_layout_block,
    make_member,
    make_newsletter,
    make_publication,
    make_schedule,
    make_signup_form,
    make_topics,
    newest_publication,
)
from tests.cast.pictures import make_picture
from tests.cast.subscribers import make_subscriber, make_subscribers, make_subscription
from tests.clock import LONG_AGO, NOON

__all__ = [
    "LONG_AGO",
    "NOON",
    "make_appeal",
    "make_article",
    "make_block",
    "make_issue",
    "make_layout_block",
    "make_member",
    "make_newsletter",
    "make_picture",
    "make_publication",
    "make_running",
    "make_schedule",
    "make_signup_form",
    "make_source",
    "make_story",
    "make_subscriber",
    "make_subscribers",
    "make_subscription",
    "make_topics",
    "newest_publication",
]
