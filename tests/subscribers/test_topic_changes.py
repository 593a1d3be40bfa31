"""A topic is muted or chosen on top of what was chosen meanwhile."""

import pytest

from digest.newsletters.choices import BlockKind
from digest.subscribers import topics
from digest.subscribers.models import Subscription
from digest.subscribers.preferences import get_preferences
from tests.cast.newsletters import make_layout_block, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = pytest.mark.django_db


def test_two_links_are_both_applied() -> None:
    """Two tabs were opened before the first button was pressed."""
    newsletter = make_newsletter()
    for title in ("Harbour", "Culture", "Sports"):
        make_layout_block(newsletter, kind=BlockKind.TOPIC, title=title, topics=[title])
    subscriber = make_subscriber(newsletter)
    opened = [
        get_preferences(subscriber.pk, newsletter.publication_id, NOON)
        for _ in ("first tab", "second tab")
    ]
    for current, topic in zip(opened, ("Harbour", "Culture"), strict=True):
        assert current
        topics.change_topic(current, newsletter.slug, topic, "less")
    assert Subscription.objects.get().muted_topics == ["Harbour", "Culture"]
