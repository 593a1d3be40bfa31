"""Notices."""

from typing import Any

from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.subscribers.models import Subscriber
from tests.clock import NOON


def make_notice(publication: Publication, subscriber: Subscriber, **fields: Any) -> Notice:
    """The link to their preferences, due to a subscriber."""
    defaults = {
        "kind": Notice.Kind.LINK,
        "email": subscriber.email,
        "mailbox": subscriber.email,
        "created_at": NOON,
        "due_at": NOON,
    }
    return Notice.objects.create(
        publication=publication, subscriber=subscriber, **defaults | fields
    )
