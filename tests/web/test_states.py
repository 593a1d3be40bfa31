"""What the public pages say of a newsletter in each of its states."""

import pytest
from django.test import Client

from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.states import NewsletterState
from digest.subscribers import preferences
from digest.subscribers.models import Subscription
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db
SAYS = {
    "announced": "has not begun yet",
    "paused": "is paused",
    "closed": "has ended",
}


@pytest.mark.parametrize("state", NewsletterState.values)
def test_the_pages_follow_the_state(client: Client, state: str) -> None:
    """A private one is on none; a closed one keeps its archive; the others take sign-ups."""
    newsletter = make_newsletter(slug="tide", state=state)
    statuses = {path: client.get(path).status_code for path in ("/archive/tide", "/subscribe/tide")}
    assert statuses["/archive/tide"] == (404 if state == "private" else 200)
    assert statuses["/subscribe/tide"] == (404 if state in {"private", "closed"} else 200)
    assert (newsletter.name in client.get("/").content.decode()) == newsletter.accepts_signups


@pytest.mark.parametrize(("state", "sentence"), SAYS.items())
def test_a_page_says_what_the_state_means(client: Client, state: str, sentence: str) -> None:
    """Above the issues, where somebody wonders why there is none."""
    make_newsletter(slug="tide", state=state)
    assert sentence in client.get("/archive/tide").content.decode()


def test_a_live_newsletter_says_nothing(client: Client) -> None:
    """There is nothing to explain."""
    make_newsletter(slug="tide")
    for path in ("/archive/tide", "/subscribe/tide"):
        assert 'class="state"' not in client.get(path).content.decode()


def test_nobody_joins_a_closed_newsletter_in_their_preferences() -> None:
    """Who is subscribed still sees it; who left does not."""
    tide = make_newsletter(slug="tide")
    nadia = make_subscriber(tide)
    Newsletter.objects.update(state="closed")
    assert _offered(nadia.pk, tide) == [tide]
    Subscription.objects.update(state="unsubscribed")
    assert _offered(nadia.pk, tide) == []


def _offered(subscriber_id: int, newsletter: Newsletter) -> list[Newsletter]:
    """The newsletters on the page of somebody's preferences."""
    current = preferences.get_preferences(subscriber_id, newsletter.publication_id, NOON)
    return [row.newsletter for row in current.newsletters] if current else []
