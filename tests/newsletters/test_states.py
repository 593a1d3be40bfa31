"""The states of a newsletter: what may follow what, and what a change does."""

import pytest

from digest.newsletters import setup
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import states
from digest.newsletters.publicity.states import NewsletterState
from tests.cast import NOON, make_newsletter

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_stopping_a_private_newsletter_does_not_publish_it(state: str) -> None:
    """It says how to stop it instead."""
    newsletter = make_newsletter(state="private")
    with pytest.raises(NewsletterError, match="manual only"):
        setup.set_state(newsletter, state, NOON)
    newsletter.refresh_from_db()
    assert newsletter.state == "private"


@pytest.mark.parametrize("state", NewsletterState)
def test_rows_and_querysets_agree(state: NewsletterState) -> None:
    """On who sees it, who may subscribe, and whether it is sent."""
    newsletter = make_newsletter(state=state)
    rows = Newsletter.objects
    assert rows.public().exists() == newsletter.is_public
    assert rows.open_to_all().exists() == newsletter.accepts_signups
    assert rows.sending().exists() == newsletter.is_sending
    assert states.MEANINGS[state]
