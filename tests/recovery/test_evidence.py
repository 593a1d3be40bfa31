"""What happened after a backup is found again in the log outside the database."""

import errno
import json
import resource
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from digest.core.addresses import parse
from digest.installation import heartbeat, holds
from digest.installation.models import Hold, Installation
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.recovery import releasing
from digest.recovery.evidence import applying, log, recording
from digest.recovery.missed_slots import MissedSlot
from digest.selfservice import erasure
from digest.subscribers import consent, suppression
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression
from tests.cast import NOON
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
State = Subscription.State


@pytest.fixture(autouse=True)
def data(settings: Settings, tmp_path: Path) -> Path:
    """A data folder of this test's own, whose log begins now."""
    settings.DIGEST_DATA_DIR = tmp_path
    heartbeat.beat(NOON)
    recording.record_new(NOON)
    return tmp_path


def entries() -> list[dict[str, object]]:
    """Return all entries."""
    return list(log.entries_since(NOON - timedelta(days=1)))


def release_restored(until_minutes: int = 0) -> releasing.Review:
    """Release a hold of data that end at noon, or later."""
    hold = holds.begin(Hold.Reason.RESTORED, NOON + timedelta(hours=1))
    hold.data_until = NOON + until_minutes * MINUTE
    return releasing.release(hold, NOON + timedelta(hours=1))


def test_who_left_after_the_backup_stays_away(data: Path) -> None:
    """Unsubscribed, suppressed and erased; not who came back, nor who left before."""
    newsletter = make_newsletter()
    leaver, bouncer, leaving_today, returner, stays = (
        make_subscriber(newsletter) for _ in range(5)
    )
    consent.unsubscribe(leaver.pk, newsletter.pk, via="page", ip=None, now=NOON + MINUTE)
    consent.unsubscribe(returner.pk, newsletter.pk, via="page", ip=None, now=NOON + MINUTE)
    consent.resubscribe(returner.pk, newsletter.pk, via="page", ip=None, now=NOON + 2 * MINUTE)
    suppression.suppress(bouncer.address_key, reason="bounced", now=NOON + MINUTE)
    recording.record_new(NOON + MINUTE)
    email, uuid = leaving_today.email, leaving_today.uuid
    erasure.erase(leaving_today.pk, NOON + 3 * MINUTE)
    recording.record_new(NOON + 3 * MINUTE)
    text = "".join(path.read_text() for path in log.folder().iterdir())
    assert "@" not in text

    # The backup's state again.
    Suppression.objects.all().delete()
    Subscription.objects.update(state=State.ACTIVE, unsubscribed_at=None)
    back = Subscriber.objects.create(
        email=email, address_key=parse(email).key, uuid=uuid, created_at=NOON
    )
    hold = holds.begin(Hold.Reason.RESTORED, NOON + timedelta(hours=1))
    hold.data_until = NOON
    reviewed = releasing.review(hold, NOON + timedelta(hours=1))
    assert len(reviewed.evidence.unsubscribed) == 1
    released = releasing.release(hold, NOON + timedelta(hours=1))
    assert "1 unsubscribed again, 2 suppressed again, 1 erased again" in released.summary
    states = dict(Subscription.objects.values_list("subscriber_id", "state"))
    assert [states[row.pk] for row in (leaver, returner, stays)] == [
        State.UNSUBSCRIBED,
        State.ACTIVE,
        State.ACTIVE,
    ]
    assert suppression.is_suppressed_everywhere(bouncer.address_key)
    assert not Subscriber.objects.filter(pk=back.pk).exists()
    assert set(suppression.suppressions_of(parse(email).key).values_list("reason", flat=True)) == {
        "erased"
    }


def test_an_id_that_somebody_else_has_now_unsubscribes_nobody() -> None:
    """The hash of the address has to be right, too."""
    newsletter = make_newsletter()
    subscriber = make_subscriber(newsletter)
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=NOON + MINUTE)
    recording.record_new(NOON + MINUTE)
    Subscription.objects.update(state=State.ACTIVE, unsubscribed_at=None)
    Subscriber.objects.update(email="other@reader.example", address_key="other@reader.example")
    assert release_restored().applied.unsubscribed == 0


def test_who_confirmed_after_they_left_stays_subscribed() -> None:
    """The data know better than an earlier line of the log."""
    newsletter = make_newsletter()
    subscriber = make_subscriber(newsletter)
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=NOON + MINUTE)
    recording.record_new(NOON + MINUTE)
    consent.resubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=NOON + 2 * MINUTE)
    assert release_restored().applied.unsubscribed == 0


def test_the_log_says_how_much_of_an_issue_was_sent(data: Path) -> None:
    """Also of one that the data do not know yet; the editor reads it where they decide."""
    issue = make_issue(slot=NOON, built_at=NOON)
    make_story(issue)
    later = make_issue(issue.newsletter, slot=NOON + MINUTE, state="sending")
    Issue.objects.filter(pk=issue.pk).update(state="sent", finished_at=NOON + MINUTE)
    recording.record_new(NOON + MINUTE)
    recording.record_new(NOON + 2 * MINUTE)
    assert [entry["issue"] for entry in entries()] == [issue.pk, later.pk]
    Issue.objects.filter(pk=issue.pk).update(state="built", finished_at=None)
    released = release_restored()
    assert released.mails_of(issue) == 0
    issue.refresh_from_db()
    assert issue.reason.endswith("Sent by the log in the data folder: 0 mails.")
    missed = MissedSlot(issue.newsletter, later.slot)
    assert released.mails_of(missed) == 0


def test_each_event_is_written_once(data: Path) -> None:
    """Also one whose transaction commits after a later one was read."""
    newsletter = make_newsletter()
    first, second, third = (make_subscriber(newsletter) for _ in range(3))
    recording.record_new(NOON)
    written = len(entries())
    for subscriber, minutes in ((second, 1), (third, 2)):
        consent.unsubscribe(
            subscriber.pk, newsletter.pk, via="page", ip=None, now=NOON + minutes * MINUTE
        )
    recording.record_new(NOON + 2 * MINUTE)
    recording.record_new(NOON + 2 * MINUTE)
    assert len(entries()) == written + 2
    event = ConsentEvent.objects.create(
        pk=ConsentEvent.objects.order_by("pk")[0].pk - 1,
        subscriber=first,
        newsletter=newsletter,
        action="unsubscribed",
        at=NOON + MINUTE,
        via="page",
    )
    cursor = json.loads((log.folder() / "cursor.json").read_text())
    cursor["consent"]["low"] = event.pk - 1  # as if it had not been settled
    (log.folder() / "cursor.json").write_text(json.dumps(cursor))
    assert recording.record_new(NOON + 2 * MINUTE) == 1
    assert recording.record_new(NOON + 20 * MINUTE) == 0
    assert recording.record_new(NOON + 20 * MINUTE) == 0


def test_the_last_row_may_be_deleted(data: Path) -> None:
    """When a suppression is lifted, or by an erasure: what is new is written all the same."""
    newsletter = make_newsletter()
    leaver, late = make_subscriber(newsletter), NOON + 20 * MINUTE
    suppression.suppress("ann@reader.example", reason="bounced", now=NOON)
    recording.record_new(late)
    written = len(entries())
    suppression.lift("ann@reader.example")
    consent.unsubscribe(leaver.pk, newsletter.pk, via="page", ip=None, now=NOON + MINUTE)
    recording.record_new(late)
    assert [entry["event"] for entry in entries()[written:]] == ["unsubscribed"]
    erasure.erase(leaver.pk, NOON + 2 * MINUTE)
    recording.record_new(late)
    assert [entry["event"] for entry in entries()[written:]] == ["unsubscribed", "suppressed"]


def test_an_older_state_begins_at_its_end(data: Path) -> None:
    """Its sequences have not given the ids that the log has."""
    for number in range(3):
        suppression.suppress(f"ann{number}@reader.example", reason="bounced", now=NOON)
    assert recording.record_new(NOON + 20 * MINUTE) == 3
    restored = Suppression.objects.earliest("pk").pk
    Suppression.objects.exclude(pk=restored).delete()
    with connection.cursor() as cursor:
        sequence = "pg_get_serial_sequence('subscribers_suppression', 'id')"
        cursor.execute(f"SELECT setval({sequence}, %s)", [restored])
    assert recording.record_new(NOON + 20 * MINUTE) == 0
    suppression.suppress("ben@reader.example", reason="bounced", now=NOON + MINUTE)
    assert recording.record_new(NOON + 20 * MINUTE) == 1


def test_who_was_suppressed_before_is_erased_again(data: Path) -> None:
    """The reason of the suppression stays: their own confirmation does not lift it."""
    subscriber = make_subscriber(make_newsletter())
    suppression.suppress(subscriber.address_key, reason="bounced", now=NOON - 60 * MINUTE)
    recording.record_new(NOON)
    key, uuid = subscriber.address_key, subscriber.uuid
    erasure.erase(subscriber.pk, NOON + MINUTE)
    assert suppression.suppressions_of(key).get().reason == "bounced"
    recording.record_new(NOON + MINUTE)
    # The backup's state again.
    Suppression.objects.all().delete()
    suppression.suppress(key, reason="bounced", now=NOON - 60 * MINUTE)
    Subscriber.objects.create(email=key, address_key=key, uuid=uuid, created_at=NOON - 60 * MINUTE)
    assert release_restored().applied == applying.ApplyResult(erased=1)
    assert not Subscriber.objects.exists()
    stored = Suppression.objects.get()
    assert (stored.reason, "@" in stored.address_key) == ("bounced", False)


def test_who_came_back_after_they_were_erased_stays(data: Path) -> None:
    """They signed up again, and the data have them."""
    subscriber = make_subscriber(make_newsletter())
    key, uuid = subscriber.address_key, subscriber.uuid
    erasure.erase(subscriber.pk, NOON + MINUTE)
    recording.record_new(NOON + MINUTE)
    Suppression.objects.all().delete()
    Subscriber.objects.create(email=key, address_key=key, uuid=uuid, created_at=NOON + 2 * MINUTE)
    assert release_restored().applied == applying.ApplyResult()
    assert Subscriber.objects.exists()


def test_what_was_committed_after_the_snapshot_is_applied(data: Path) -> None:
    """It has a time before it; what the data do have is neither counted nor applied."""
    newsletter = make_newsletter()
    late, earlier = make_subscriber(newsletter), make_subscriber(newsletter)
    leave(earlier, newsletter)
    with transaction.atomic():
        leave(late, newsletter)
        recording.record_new(NOON)
        transaction.set_rollback(True)  # as the snapshot saw it
    reviewed = release_restored(until_minutes=2)
    assert [entry["subscriber"] for entry in reviewed.evidence.unsubscribed] == [late.pk]
    assert len(reviewed.evidence.suppressed) == 1
    assert reviewed.applied == applying.ApplyResult(unsubscribed=1, suppressed=1)
    assert suppression.is_suppressed_everywhere(late.address_key)


def leave(subscriber: Subscriber, newsletter: Newsletter) -> None:
    """Unsubscribe and suppress somebody a minute after noon."""
    moment = NOON + MINUTE
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=moment)
    suppression.suppress(subscriber.address_key, reason="bounced", now=moment)


def test_other_data_begin_a_log_of_their_own(data: Path) -> None:
    """What was there before them is in the database; nothing is written twice."""
    newsletter = make_newsletter()
    subscriber = make_subscriber(newsletter)
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=NOON)
    Installation.objects.update(key="6b0a9d7c-1a53-4a8e-9d53-3f1f6d0ff001")
    assert recording.record_new(NOON) == 0
    (log.folder() / "cursor.json").write_text("{")
    assert recording.record_new(NOON) == 0


def test_a_line_that_a_full_disk_cut_off_is_taken_back(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And written whole later."""
    log.append([{"at": NOON.isoformat(), "event": "sent"}], NOON)

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="No space"):
            log.append([{"at": NOON.isoformat(), "event": "cut off"}], NOON)
    log.append([{"at": NOON.isoformat(), "event": "later"}], NOON)
    assert [entry["event"] for entry in entries()] == ["sent", "later"]


def test_a_write_that_took_a_part_only_is_no_success(data: Path) -> None:
    """A file that may not grow any more takes what fits, and says so to the next write only."""
    log.append([{"at": NOON.isoformat(), "event": "sent"}], NOON)
    [path] = log.folder().glob("*.log")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            log.append([{"at": NOON.isoformat(), "event": "cut off"}], NOON)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.append([{"at": NOON.isoformat(), "event": "later"}], NOON)
    assert [entry["event"] for entry in entries()] == ["sent", "later"]


def test_old_files_are_deleted(data: Path) -> None:
    """After some months; files of others stay."""
    other = log.folder() / "notes.log"
    other.write_text("mine")
    log.append([{"at": NOON.isoformat(), "event": "sent"}], NOON)
    recording.record_new(NOON + timedelta(days=log.KEPT_DAYS))
    assert len(entries()) == 1
    recording.record_new(NOON + timedelta(days=log.KEPT_DAYS + 1))
    assert entries() == []
    assert other.exists()


def test_complete_data_are_not_set_aside() -> None:
    """A person knows that the database itself was moved."""
    issue = make_issue(slot=NOON - MINUTE, built_at=NOON)
    hold = holds.begin(Hold.Reason.MOVED, NOON)
    assert releasing.release(hold, NOON, complete=True).is_empty
    issue.refresh_from_db()
    assert issue.state == Issue.State.BUILT


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_the_log_has_what_was_stopped_within_seconds(state: str) -> None:
    """It was sent early and stopped at once: in older data it is still to go out."""
    issue = make_issue(slot=NOON + timedelta(days=1), built_at=NOON)
    make_story(issue)
    finished_at = NOON + MINUTE if state == "cancelled" else None
    Issue.objects.update(state=state, planned_at=NOON + MINUTE, finished_at=finished_at)
    values = {"state": state, "finished_at": finished_at}
    untouched = make_issue(issue.newsletter, slot=NOON + MINUTE, **values)
    recording.record_new(NOON + MINUTE)
    assert [entry["issue"] for entry in entries()] == [issue.pk]
    assert untouched.pk
    Issue.objects.filter(pk=issue.pk).update(state="built", planned_at=None, finished_at=None)
    assert issue in release_restored().pausing
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
