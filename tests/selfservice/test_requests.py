"""What is proven of a consent: the request that the confirmed mail told of."""

from datetime import datetime, timedelta

import pytest

from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.selfservice import confirmation, signups
from digest.subscribers.evidence.origins import Origin
from digest.subscribers.models import ConsentEvent, Growth, Subscription
from digest.subscribers.signups import wording_version
from tests.cast import NOON, make_newsletter

pytestmark = pytest.mark.django_db
INES = addresses.parse("ines@reader.example")
OLD, NEW = "I want the Tide.", "I want the Tide. It may record what I click."
LATER = NOON + timedelta(days=5)


@pytest.fixture
def tide() -> Newsletter:
    """The Morning Tide."""
    return make_newsletter()


def request(tide: Newsletter, wording: str, at: datetime, via: str = "page") -> object:
    """Ask for a subscription; return the mail about it, None if there is none."""
    origin = Origin("https://courier.example/seals", "")
    return signups.invite(INES, [tide], via=via, wording=wording, origin=origin, now=at)


def confirm(tide: Newsletter, written_at: datetime) -> None:
    """Use the link in a mail."""
    subscriber_id = Subscription.objects.get().subscriber_id
    link = confirmation.ConfirmationLink(subscriber_id, (tide.pk,), written_at, expired=False)
    assert confirmation.confirm(link, ip=None, now=written_at).active == [tide]


def events() -> list[tuple[str, str, str]]:
    """What is recorded: action, source, and version of the wording."""
    rows = ConsentEvent.objects.order_by("pk")
    return list(rows.values_list("action", "via", "wording_version"))


def test_another_wording_is_recorded_with_its_request(tide: Newsletter) -> None:
    """And the confirmation names it; growth counts the form that was confirmed."""
    request(tide, OLD, NOON)
    assert request(tide, NEW, LATER, via="form 7")
    confirm(tide, LATER)
    old, new = wording_version(OLD), wording_version(NEW)
    assert events() == [
        ("requested", "page", old),
        ("requested", "form 7", new),
        ("confirmed", "confirmation", new),
    ]
    assert ConsentEvent.objects.filter(wording=NEW).count() == 1
    assert Growth.objects.get().source == "form 7"


def test_an_earlier_mail_confirms_the_earlier_wording(tide: Newsletter) -> None:
    """Its link is valid for a week."""
    request(tide, OLD, NOON)
    request(tide, NEW, LATER)
    confirm(tide, NOON)
    assert events()[-1] == ("confirmed", "confirmation", wording_version(OLD))


@pytest.mark.parametrize(("wording", "wait"), [(OLD, 5 * 24 * 60), (NEW, 10)])
def test_the_same_again_and_what_no_mail_tells_of_is_not_recorded(
    tide: Newsletter, wording: str, wait: int
) -> None:
    """A request within the hour makes no mail: nobody confirms it."""
    request(tide, OLD, NOON)
    notice = request(tide, wording, NOON + timedelta(minutes=wait))
    assert (notice is None) == (wait == 10)
    assert events() == [("requested", "page", wording_version(OLD))]
