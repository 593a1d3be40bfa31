"""Who came and left after a backup is not brought back by the list that they came with."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.core import addresses
from digest.installation import heartbeat, holds
from digest.installation.models import Hold
from digest.newsletters.models import Newsletter
from digest.recovery import releasing
from digest.recovery.evidence import recording
from digest.recovery.evidence.applying import ApplyResult
from digest.selfservice import signups
from digest.subscribers import consent
from digest.subscribers.importing import import_csv
from digest.subscribers.models import Subscriber, Subscription, Suppression
from tests.cast import NOON, make_subscriber

pytestmark = pytest.mark.django_db
SOON, LATER = NOON + timedelta(minutes=1), NOON + timedelta(hours=1)
ANA = addresses.parse("ana@reader.example")


@pytest.fixture(autouse=True)
def restored_data(settings: Settings, tmp_path: Path, tide: Newsletter) -> None:
    """She was imported after noon, left, and the data end at noon."""
    settings.DIGEST_DATA_DIR = tmp_path
    heartbeat.beat(NOON)
    recording.record_new(NOON)
    subscriber = make_subscriber(tide, email=ANA.email)
    consent.unsubscribe(subscriber.pk, tide.pk, via="one-click", ip=None, now=SOON)
    recording.record_new(SOON)
    Subscriber.objects.all().delete()


def release() -> ApplyResult:
    """Release the mail that is held after the restore."""
    hold = holds.begin(Hold.Reason.RESTORED, SOON, data_until=NOON)
    return releasing.release(hold, LATER).applied


def bring(tide: Newsletter, folder: Path) -> None:
    """Import the list again."""
    path = folder / "list.csv"
    path.write_text(f"email\n{ANA.email}\nben@reader.example\n")
    import_csv(path, tide, consent="at the fair", now=LATER)


def active(tide: Newsletter) -> set[str]:
    """Who receives the newsletter."""
    rows = tide.subscriptions.filter(state="active")
    return set(rows.values_list("subscriber__email", flat=True))


def test_a_list_that_is_imported_again_brings_nobody_back(tide: Newsletter, tmp_path: Path) -> None:
    """Until they subscribe themselves."""
    assert release() == ApplyResult(suppressed=1)
    bring(tide, tmp_path)
    assert active(tide) == {"ben@reader.example"}
    assert signups.invite(ANA, [tide], via="page", now=LATER)
    row = Subscription.objects.get(subscriber__email=ANA.email)
    assert consent.confirm(row.subscriber_id, tide.pk, via="page", ip=None, now=LATER)
    assert active(tide) == {"ben@reader.example", ANA.email}
    assert not Suppression.objects.exists()


def test_who_was_imported_again_before_the_release_is_unsubscribed(
    tide: Newsletter, tmp_path: Path
) -> None:
    """Mail is held until then."""
    bring(tide, tmp_path)
    assert release() == ApplyResult(unsubscribed=1)
    assert active(tide) == {"ben@reader.example"}


def test_who_subscribed_again_before_the_release_stays(tide: Newsletter, tmp_path: Path) -> None:
    """They know better than the log."""
    bring(tide, tmp_path)
    [subscriber] = Subscriber.objects.filter(email=ANA.email)
    consent.unsubscribe(subscriber.pk, tide.pk, via="page", ip=None, now=LATER)
    consent.resubscribe(subscriber.pk, tide.pk, via="page", ip=None, now=LATER)
    assert release() == ApplyResult()
    assert ANA.email in active(tide)


def test_a_newsletter_that_the_data_do_not_know_suppresses_nobody(tide: Newsletter) -> None:
    """Least of all for every newsletter."""
    tide.delete()
    assert release() == ApplyResult()
    assert not Suppression.objects.exists()
