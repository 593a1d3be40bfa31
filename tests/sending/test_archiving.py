"""Old deliveries are archived: each of them, once, and nothing that users see changes."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.selfservice import data_export, erasure
from digest.sending import archiving, control, history, ledger, planning, sweeping, uncertain
from digest.sending.errors import DeliveryError
from digest.sending.models import Delivery, PastDelivery, Tally
from digest.sending.progress import Progress, balance, progress
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_newsletter, make_running, make_subscriber
from tests.concurrency import run_at_once
from tests.sending.claiming import claim_batch

pytestmark = pytest.mark.django_db

State = Delivery.State
DAY = timedelta(days=1)
LATER = NOON + 31 * DAY  # long enough after an issue that was done at noon
SENT = Outcome(State.SENT, 250, "2.0.0 Ok: queued as 4F8BA12C", attempted=True)
FAILED = Outcome(State.FAILED, 550, "5.1.1 no such user", attempted=True)
LOST_REPLY = Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY, attempted=True)


def make_done(*outcomes: Outcome, finished_at: datetime = NOON, **fields: Any) -> Issue:
    """Make a finished issue, with one subscriber for each outcome."""
    fields.setdefault("newsletter", make_newsletter(uncertain="hold"))
    issue = make_running(len(outcomes), **fields)
    batch = claim_batch(issue, len(outcomes), NOON)
    ledger.record(
        batch, [(row.id, outcome) for row, outcome in zip(batch.rows, outcomes, strict=True)], NOON
    )
    ledger.drop(batch.fence)
    Issue.objects.filter(pk=issue.pk).update(state="sent", finished_at=finished_at)
    issue.refresh_from_db()
    return issue


def history_of(issue: Issue) -> list[tuple[Any, ...]]:
    """Return all that users see of an issue's deliveries."""
    fields = ("id", "subscriber_id", "at", "state", "attempts", "reply_code", "reply")
    rows = sorted(history.of_issue(issue, size=1000).rows, key=lambda row: row.pk)
    return [tuple(getattr(row, name) for name in fields) for row in rows]


def places(issue: Issue) -> tuple[int, int]:
    """Return how many rows are current, and how many are archived."""
    return issue.deliveries.count(), issue.past_deliveries.count()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of two rows."""
    monkeypatch.setattr(archiving, "STEP", 2)


def test_an_old_issue_is_archived_completely(small: None) -> None:
    """In steps, and everything that users see of it stays the same."""
    issue = make_done(SENT, SENT, FAILED, SENT, SENT)
    before = history_of(issue), progress(issue)
    archived = archiving.archive_deliveries(LATER)
    assert (archived.archived, archived.deleted, archived.finished) == (5, 0, True)
    assert places(issue) == (0, 5)
    assert (history_of(issue), progress(issue)) == before
    assert progress(issue) == balance(issue) == Progress(sent=4, failed=1)


def test_only_old_finished_issues_are_archived() -> None:
    """Not one that finished recently, is sending, is paused, or was reopened by a late reply."""
    old, cancelled = make_done(SENT), make_done(SENT)
    Issue.objects.filter(pk=cancelled.pk).update(state="cancelled")
    unfinished = [make_done(SENT, finished_at=NOON + 2 * DAY)]
    for state in (Issue.State.SENDING, Issue.State.PAUSED):
        unfinished.append(make_done(SENT))
        Issue.objects.filter(pk=unfinished[-1].pk).update(state=state)
    late = make_done(SENT, LOST_REPLY)
    uncertain.resend(late, NOON)
    unfinished.append(late)
    archiving.archive_deliveries(LATER)
    assert [places(issue) for issue in (old, cancelled)] == [(0, 1), (0, 1)]
    assert all(not issue.past_deliveries.exists() for issue in unfinished)


def test_the_age_is_a_setting(settings: Settings) -> None:
    """In days after the issue's end."""
    settings.DIGEST_ARCHIVE_AFTER_DAYS = 7
    issue = make_done(SENT)
    assert archiving.archive_deliveries(NOON + 7 * DAY).archived == 0
    assert archiving.archive_deliveries(NOON + 7 * DAY + timedelta(seconds=1)).archived == 1
    assert places(issue) == (0, 1)


def test_uncertain_deliveries_wait_to_be_resolved() -> None:
    """Then they are archived; after half a year they are archived unresolved."""
    issue, forgotten = make_done(SENT, LOST_REPLY), make_done(LOST_REPLY)
    archiving.archive_deliveries(LATER)
    assert places(issue) == (1, 1)
    uncertain.mark_sent(issue, LATER)
    archiving.archive_deliveries(LATER)
    assert places(issue) == (0, 2)
    assert places(forgotten) == (1, 0)
    archiving.archive_deliveries(NOON + 181 * DAY)
    assert places(forgotten) == (0, 1)
    assert progress(forgotten) == balance(forgotten) == Progress(uncertain=1)


def test_an_uncertain_delivery_can_be_resent_when_the_others_are_archived() -> None:
    """The issue is reopened and finished, and its numbers hold; then that one is archived too."""
    issue = make_done(SENT, FAILED, LOST_REPLY)
    archiving.archive_deliveries(LATER)
    uncertain.resend(issue, LATER)
    assert progress(issue) == Progress(sent=1, failed=1, queued=1)
    batch = claim_batch(issue, 5, LATER)
    ledger.record(batch, [(row.id, SENT) for row in batch.rows], LATER)
    ledger.drop(batch.fence)
    assert sweeping.sweep(LATER).finished == [issue]
    assert Tally.objects.filter(issue_id=issue.pk).exists()
    assert progress(issue) == balance(issue) == Progress(sent=2, failed=1)
    archiving.archive_deliveries(LATER + 31 * DAY)
    assert places(issue) == (0, 3)


def test_an_archived_issue_is_never_planned_again() -> None:
    """No code does so, and the database refuses it; other issues are planned all the same."""
    issue = make_done(SENT)
    late = make_subscriber(issue.newsletter)
    archiving.archive_deliveries(LATER)
    assert planning.plan_built(LATER) == []
    with pytest.raises(DeliveryError):
        control.resume(issue)
    Issue.objects.filter(pk=issue.pk).update(state="built", planned_at=None)
    assert planning.plan_built(LATER) == []
    with pytest.raises(IntegrityError, match="is archived"), transaction.atomic():
        Delivery.objects.create(issue=issue, subscriber=late, due_at=NOON)
    assert places(issue) == (0, 1)


def test_the_tally_of_an_archived_issue_is_as_short_as_possible() -> None:
    """A thousand issues' are summed up every few seconds."""
    issue = make_done(SENT, SENT)
    for _ in range(9):
        Tally.objects.create(issue_id=issue.pk, state=State.SENT, deliveries=1)
        Tally.objects.create(issue_id=issue.pk, state=State.SENT, deliveries=-1)
    archiving.archive_deliveries(LATER)
    rows = Tally.objects.filter(issue_id=issue.pk)
    assert len(rows) == len({row.state for row in rows})
    assert progress(issue) == Progress(sent=2)


def test_deliveries_deleted_later_are_counted() -> None:
    """Archiving leaves no setting behind: another deletion is counted."""
    archiving.archive_deliveries(LATER)
    make_done(SENT)
    archiving.archive_deliveries(LATER)
    issue = make_done(SENT, SENT)
    Delivery.objects.filter(issue=issue).delete()
    assert progress(issue) == Progress()


def test_archived_deliveries_are_part_of_a_data_export() -> None:
    """Together with the current ones, the newest first, in the same format."""
    past = make_done(SENT)
    subscriber = Subscriber.objects.get()
    recent = make_done(newsletter=past.newsletter, slot=NOON + DAY)
    Delivery.objects.create(issue=recent, subscriber=subscriber, due_at=NOON + DAY)
    before = data_export.export_subscriber(subscriber)["deliveries"]
    archiving.archive_deliveries(LATER)
    assert places(past) == (0, 1)
    assert data_export.export_subscriber(subscriber)["deliveries"] == before
    assert [delivery["issue"] for delivery in before] == [recent.pk, past.pk]
    assert data_export.export_subscriber(subscriber, 1)["deliveries"] == before[:1]


def test_an_erased_subscriber_is_removed_from_archived_deliveries() -> None:
    """With the relay's reply, which may quote an address; the numbers stay."""
    issue = make_done(SENT, FAILED)
    archiving.archive_deliveries(LATER)
    subscriber, other = Subscriber.objects.order_by("pk")
    erasure.erase(subscriber.pk, LATER)
    rows = PastDelivery.objects.filter(issue=issue).order_by("id")
    assert [(row.subscriber_id, bool(row.reply)) for row in rows] == [
        (None, False),
        (other.pk, True),
    ]
    assert progress(issue) == balance(issue) == Progress(sent=1, failed=1)


def test_anonymous_deliveries_are_archived_too(small: None) -> None:
    """Of subscribers who were erased before."""
    issue = make_done(SENT, SENT, SENT, SENT, SENT)
    for subscriber in Subscriber.objects.order_by("pk")[:3]:
        erasure.erase(subscriber.pk, NOON)
    archiving.archive_deliveries(LATER)
    assert places(issue) == (0, 5)
    assert PastDelivery.objects.filter(subscriber=None).count() == 3


def test_after_two_years_only_numbers_are_left(small: None, settings: Settings) -> None:
    """Or after the time that the setting says; never while one may still be resolved."""
    issue = make_done(SENT, SENT, FAILED, LOST_REPLY)
    assert archiving.archive_deliveries(NOON + 729 * DAY).deleted == 0
    settings.DIGEST_KEEP_DAYS = 0
    assert archiving.archive_deliveries(NOON + 9999 * DAY).deleted == 0
    settings.DIGEST_KEEP_DAYS = 730
    assert archiving.archive_deliveries(NOON + 731 * DAY).deleted == 4
    assert (places(issue), history_of(issue)) == ((0, 0), [])
    assert progress(issue) == Progress(sent=2, failed=1, uncertain=1)


def test_a_call_ends_when_its_time_is_up(small: None) -> None:
    """After the current step; the next call continues there."""
    issue = make_done(SENT, SENT, SENT)
    archived = archiving.archive_deliveries(LATER, seconds=0)
    assert (archived.archived, archived.finished, places(issue)) == (2, False, (1, 2))
    assert archiving.archive_deliveries(LATER).archived == 1


def test_a_step_that_fails_leaves_its_rows_where_they_were(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the steps before are archived, and the numbers hold."""
    issue = make_done(SENT, SENT, SENT)
    before = history_of(issue)
    whole = archiving._step

    def breaking(statement: str, parameters: dict[str, Any]) -> tuple[int, int, int | None]:
        broken = statement.replace("), count(*),", "), 1 / (count(*) - count(*)),")
        return whole(broken if parameters["after"] else statement, parameters)

    monkeypatch.setattr(archiving, "_step", breaking)
    with pytest.raises(DatabaseError):
        archiving.archive_deliveries(LATER)
    assert places(issue) == (1, 2)
    assert history_of(issue) == before
    Delivery.objects.filter(issue=issue).delete()
    assert progress(issue) == Progress(sent=2)


@pytest.mark.django_db(transaction=True)
def test_several_archivers_can_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is moved once, none is left."""
    monkeypatch.setattr(archiving, "STEP", 7)
    issue = make_done(*[SENT] * 150)
    before = history_of(issue)
    counts: list[int] = []
    run_at_once(*[lambda: counts.append(archiving.archive_deliveries(LATER).archived)] * 3)
    assert sum(counts) + archiving.archive_deliveries(LATER).archived == 150
    assert places(issue) == (0, 150)
    assert history_of(issue) == before


@pytest.mark.django_db(transaction=True)
def test_a_subscriber_erased_during_archiving_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever comes first, no row has the subscriber or the relay's reply."""
    monkeypatch.setattr(archiving, "STEP", 3)
    issue = make_done(*[SENT] * 120)
    ids = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    erased_ids, kept_ids = ids[::2], ids[1::2]

    def erase() -> None:
        for key in erased_ids:
            assert erasure.erase(key, LATER)

    run_at_once(
        erase,
        lambda: archiving.archive_deliveries(LATER),
        lambda: archiving.archive_deliveries(LATER),
    )
    archiving.archive_deliveries(LATER)
    assert places(issue) == (0, 120)
    rows = PastDelivery.objects.filter(issue=issue)
    assert sorted(row.subscriber_id for row in rows if row.subscriber_id) == kept_ids
    assert all(bool(row.reply) == bool(row.subscriber_id) for row in rows)
    assert progress(issue) == balance(issue) == Progress(sent=120)


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_is_being_resolved_protects_the_rest(settings: Settings) -> None:
    """The issue may be reopened and counted, so nothing of it is deleted yet."""
    settings.DIGEST_KEEP_DAYS = 90
    issue = make_done(SENT, LOST_REPLY)
    archiving.archive_deliveries(LATER)
    with psycopg.connect(_database()) as session:
        session.execute("SELECT FROM sending_delivery FOR UPDATE")
        assert archiving.archive_deliveries(NOON + 91 * DAY).deleted == 0
        assert places(issue) == (1, 1)
    assert archiving.archive_deliveries(NOON + 91 * DAY).deleted == 2


@pytest.mark.django_db(transaction=True)
def test_a_killed_archiver_loses_and_duplicates_nothing() -> None:
    """Its unfinished step has no effect; the next one continues."""
    issue = make_done(*[SENT] * 300)
    before = history_of(issue)
    for _ in range(3):
        _kill_a_mover(issue)
        current, past = places(issue)
        assert current + past == 300
        assert history_of(issue) == before
        assert progress(issue) == balance(issue) == Progress(sent=300)
    assert 0 < past < 300
    archiving.archive_deliveries(LATER)
    assert places(issue) == (0, 300)
    assert history_of(issue) == before


def _database() -> str:
    parameters = {"dbname": connection.settings_dict["NAME"]}
    return make_conninfo(os.environ["DIGEST_DATABASE_URL"], **parameters)


def _kill_a_mover(issue: Issue) -> None:
    """Start one that moves two rows at a time, and kill it as soon as it has moved some."""
    code = (
        "import django; django.setup()\n"
        "from digest.sending import archiving\n"
        "from tests.sending.test_archiving import LATER\n"
        "archiving.STEP = 2\n"
        "archiving.archive_deliveries(LATER)\n"
    )
    mover = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"DIGEST_DATABASE_URL": _database()},
    )
    moved, until = issue.past_deliveries.count(), time.monotonic() + 30
    while issue.past_deliveries.count() < moved + 6 and time.monotonic() < until:
        assert mover.poll() is None
    mover.send_signal(signal.SIGKILL)
    mover.wait()
