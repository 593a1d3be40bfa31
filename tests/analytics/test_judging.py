"""Judging on the real database: what is written, counted, and counted again."""

import random
from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter
from typing import Any

import pytest
from django.db import connection, transaction

from digest.analytics import judging, networks, storing
from digest.analytics.errors import RejudgingError
from digest.analytics.models import Hit, HitKind, IssueTotals, LinkHour, Verdict
from digest.analytics.verdicts.agents import Agent
from digest.analytics.verdicts.network_files import parse
from digest.analytics.verdicts.reasons import Reason
from digest.core.database import locks
from digest.issues.models import Issue
from digest.sending.models import Delivery, PastDelivery
from tests.analytics.factories import CLOUD, OFFICE, SCANNER, at, make_hit, make_link
from tests.cast import NOON, make_issue, make_newsletter, make_subscriber

LATER = NOON + timedelta(days=1)
COLUMNS = [
    *("clicks", "unique_clickers", "machine_clicks", "uncertain_clicks"),
    *("opens", "uncertain_opens", "machine_opens"),
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    """An issue that was sent at noon and finished ten minutes later."""
    return make_issue(state=Issue.State.SENT, planned_at=NOON, finished_at=at(600))


def totals(issue: Issue) -> dict[str, int]:
    """Return the totals of an issue that are not zero."""
    row = IssueTotals.objects.filter(issue_id=issue.pk).values(*COLUMNS).first() or {}
    return {name: number for name, number in row.items() if number}


def hours(issue: Issue) -> list[tuple[int, ...]]:
    """Return link, hour after noon, and the four numbers of each row that is not zero."""
    rows = LinkHour.objects.filter(issue_id=issue.pk).order_by("link_id", "hour")
    columns = attrgetter("clicks", "unique_clicks", "machine_clicks", "uncertain_clicks")
    table = [(row.link_id, (row.hour - NOON) // timedelta(hours=1), *columns(row)) for row in rows]
    return [row for row in table if any(row[2:])]


def test_clicks_are_counted_by_link_and_hour(issue: Issue) -> None:
    """A visitor is unique on a link once, in the hour of the first click, and once in the issue."""
    first, second = make_link(issue, 0), make_link(issue, 1)
    for seconds in (3600, 3700, 7300):
        make_hit(issue, first, seconds=seconds)
    make_hit(issue, second, seconds=3900)
    make_hit(issue, first, seconds=7200, visitor=2)
    make_hit(issue, first, seconds=3600, visitor=3, network=SCANNER)
    make_hit(issue, seconds=3500)
    assert judging.judge_due(LATER) == 7
    assert totals(issue) == {"clicks": 5, "unique_clickers": 2, "machine_clicks": 1, "opens": 1}
    assert hours(issue) == [
        (first.pk, 1, 2, 1, 1, 0),
        (first.pk, 2, 2, 1, 0, 0),
        (second.pk, 1, 1, 1, 0, 0),
    ]


def test_people_are_counted_by_the_hour_of_their_first_click(issue: Issue) -> None:
    """Once in the issue, whatever they click later; machines never."""
    first, second = make_link(issue, 0), make_link(issue, 1)
    for seconds, link in ((3600, first), (3700, second), (7300, first)):
        make_hit(issue, link, seconds=seconds)
    make_hit(issue, second, seconds=7200, visitor=2)
    make_hit(issue, first, seconds=3600, visitor=3, network=SCANNER)
    judging.judge_due(LATER)
    rows = LinkHour.objects.filter(clickers__gt=0).order_by("hour")
    assert list(rows.values_list("link_id", "hour", "clickers")) == [
        (first.pk, at(3600), 1),
        (second.pk, at(7200), 1),
    ]
    make_hit(issue, second, seconds=1800)  # of the first visitor, written late
    judging.judge_due(LATER)
    assert list(rows.values_list("link_id", "hour", "clickers")) == [
        (second.pk, at(0), 1),
        (second.pk, at(7200), 1),
    ]


def test_judging_twice_counts_once(issue: Issue) -> None:
    """Nothing is left to do, nor to undo."""
    make_hit(issue, make_link(issue))
    judging.judge_due(LATER)
    assert judging.judge_due(LATER) == 0
    assert judging.rejudge(issue.pk, LATER) == 0
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1}


def test_hits_wait_for_45_seconds(issue: Issue) -> None:
    """What is younger is evidence, and not judged yet."""
    link = make_link(issue)
    early = make_hit(issue, link, seconds=3600)
    trap = make_hit(issue, make_link(issue, 1), kind=HitKind.TRAP, seconds=3640)
    assert judging.judge_due(at(3644)) == 0
    assert judging.judge_due(at(3646)) == 1
    early.refresh_from_db()
    trap.refresh_from_db()
    assert (early.verdict, early.reasons) == (Verdict.MACHINE, Reason.NEAR_HIDDEN_LINK)
    assert trap.verdict is None
    assert totals(issue) == {"machine_clicks": 1}


def test_a_late_hidden_link_takes_clicks_back(issue: Issue) -> None:
    """The click moves to the machines, its visitor is not unique any more."""
    link, other = make_link(issue, 0), make_link(issue, 1)
    make_hit(issue, link, seconds=3600)
    make_hit(issue, other, seconds=9000)  # a person's, hours later
    judging.judge_due(LATER)
    assert totals(issue) == {"clicks": 2, "unique_clickers": 1}
    make_hit(issue, make_link(issue, 2), kind=HitKind.TRAP, seconds=3700)
    assert judging.judge_due(LATER) == 2
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1, "machine_clicks": 2}
    assert (other.pk, 2, 1, 1, 0, 0) in hours(issue)
    assert sum(row[3] for row in hours(issue)) == 1
    assert hours(issue)[0] == (link.pk, 1, 0, 0, 1, 0)


def test_a_late_first_click_moves_the_unique_one(issue: Issue) -> None:
    """A hit that was written late is older than the one that counted as the first."""
    link = make_link(issue)
    make_hit(issue, link, seconds=7200)
    judging.judge_due(LATER)
    make_hit(issue, link, seconds=3600)
    judging.judge_due(LATER)
    assert hours(issue) == [(link.pk, 1, 1, 1, 0, 0), (link.pk, 2, 1, 0, 0, 0)]


def test_time_since_delivery_is_the_subscribers(issue: Issue) -> None:
    """Of the delivery, or of the archived one; without either, unknown."""
    link = make_link(issue)
    present, past, absent = (make_subscriber(issue.newsletter) for _ in range(3))
    Delivery.objects.create(
        issue=issue, subscriber=present, due_at=NOON, settled_at=at(60), state=Delivery.State.SENT
    )
    PastDelivery.objects.create(
        id=7, issue=issue, subscriber=past, at=at(90), state=Delivery.State.SENT, attempts=1
    )
    for visitor, subscriber in enumerate((present, past, absent)):
        make_hit(issue, link, seconds=100, visitor=visitor, subscriber_id=subscriber.pk)
    judging.judge_due(LATER)
    since = Hit.objects.order_by("visitor").values_list("since_delivery", flat=True)
    assert list(since) == [40, 10, None]


def test_time_since_the_issue_where_nobody_is_named(issue: Issue) -> None:
    """A data centre's click is uncertain for an hour after the sending, a person's after it."""
    link = make_link(issue)
    for visitor, seconds in enumerate((60, 4100, 4300)):
        make_hit(issue, link, seconds=seconds, visitor=visitor, network=CLOUD)
    judging.judge_due(LATER)
    rows = Hit.objects.order_by("visitor").values_list("since_delivery", "verdict")
    assert list(rows) == [
        (60, Verdict.MACHINE),
        (4100, Verdict.UNCERTAIN),
        (4300, Verdict.HUMAN),
    ]


@pytest.mark.parametrize(
    ("moments", "fields", "expected"),
    [
        ([], {}, Verdict.HUMAN),
        ([-5], {}, Verdict.MACHINE),
        ([3], {}, Verdict.MACHINE),
        ([4], {}, Verdict.HUMAN),
        ([-11], {}, Verdict.HUMAN),
        ([-5, *range(-590, -20, 20)], {}, Verdict.HUMAN),  # many click it: a coincidence
        ([-5], {"subscriber_id": 7}, Verdict.HUMAN),  # the subscriber's own clicks say it
        ([-5], {"network": OFFICE}, Verdict.HUMAN),
    ],
)
def test_a_server_beside_somebody_elses_click(
    issue: Issue, moments: list[int], fields: dict[str, Any], expected: Verdict
) -> None:
    """Where links name nobody, a gateway's check of the link that somebody clicks shows itself."""
    link = make_link(issue)
    server = make_hit(issue, link, seconds=20_000, **{"network": CLOUD} | fields)
    for visitor, seconds in enumerate(moments, start=2):
        make_hit(issue, link, seconds=20_000 + seconds, visitor=visitor)
        make_hit(issue, make_link(issue, visitor), seconds=20_000, visitor=visitor)
    judging.judge_due(LATER)
    server.refresh_from_db()
    assert server.verdict == expected
    is_beside = expected == Verdict.MACHINE
    assert server.reasons == (Reason.SERVER_BESIDE_PERSON if is_beside else 0)
    assert judging.rejudge(issue.pk, LATER) == 0


def test_a_persons_click_that_is_written_late(issue: Issue) -> None:
    """The data centre's click beside it is judged again, and not counted any more."""
    link = make_link(issue)
    make_hit(issue, link, seconds=20_000, network=CLOUD)
    judging.judge_due(LATER)
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1}
    make_hit(issue, link, seconds=19_998, visitor=2)
    assert judging.judge_due(LATER) == 2
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1, "machine_clicks": 1}
    assert hours(issue)[0][2:4] == (1, 1)


def test_local_time_has_no_time_of_the_issue() -> None:
    """Its mails go out over a whole day."""
    newsletter = make_newsletter(send_in_local_time=True)
    issue = make_issue(newsletter, planned_at=NOON)
    make_hit(issue, make_link(issue), seconds=10, network=CLOUD)
    judging.judge_due(LATER)
    assert Hit.objects.get().since_delivery is None
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1}


def test_new_networks_change_old_verdicts(issue: Issue) -> None:
    """An issue that is judged again moves a scanner's clicks, uncertain opens and all."""
    link = make_link(issue)
    make_hit(issue, link, network=OFFICE)
    make_hit(issue, agent=Agent.IMAGE_PROXY, visitor=2)
    judging.judge_due(LATER)
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1, "uncertain_opens": 1}
    networks.load(parse("192.0.2.0/24\n" + OFFICE), source="a", now=NOON, name="proofpoint")
    assert judging.rejudge(issue.pk, LATER) == 1
    assert totals(issue) == {"machine_clicks": 1, "uncertain_opens": 1}
    assert not any(row[3] for row in hours(issue))


def test_totals_outlive_hits(issue: Issue) -> None:
    """What deleted hits contributed stays when the others are judged again."""
    link = make_link(issue)
    old, _ = make_hit(issue, link), make_hit(issue, link, visitor=2)
    judging.judge_due(LATER)
    old.delete()
    judging.rejudge(issue.pk, LATER)
    assert totals(issue) == {"clicks": 2, "unique_clickers": 2}
    Hit.objects.all().delete()
    with pytest.raises(RejudgingError, match="has no hits"):
        judging.rejudge(issue.pk, LATER)


def test_a_flood_is_condemned_without_looking(
    issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first hits are judged as always, and what follows them is a machine's."""
    monkeypatch.setattr(storing, "FLOOD", 3)
    link = make_link(issue)
    for number in range(5):
        make_hit(issue, link, seconds=3600 + number * 600)
    make_hit(issue, seconds=9000)
    judging.judge_due(LATER)
    assert totals(issue) == {
        "clicks": 3,
        "unique_clickers": 1,
        "machine_clicks": 2,
        "uncertain_opens": 1,
    }
    assert judging.judge_due(LATER) == 0
    assert not Hit.objects.filter(verdict__isnull=True).exists()


def test_batches_end_where_nothing_is_due(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hits of one visitor in two batches are counted once."""
    monkeypatch.setattr(judging, "BATCH", 2)
    monkeypatch.setattr(judging, "VISITORS", 1)
    link = make_link(issue)
    for number in range(7):
        make_hit(issue, link, seconds=3600 + 60 * number, visitor=number % 2)
    judging.judge_due(LATER)
    assert totals(issue) == {"clicks": 7, "unique_clickers": 2}
    judging.rejudge(issue.pk, LATER)
    assert totals(issue) == {"clicks": 7, "unique_clickers": 2}


def test_totals_are_the_same_in_any_order(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hits that come late, in any order and batch, add up to what judging all at once gives."""
    monkeypatch.setattr(judging, "BATCH", 7)
    dice = random.Random(15)
    links = [make_link(issue, number) for number in range(6)]
    trap = make_link(issue, 9, kind="trap")
    rows: list[dict[str, Any]] = [
        {
            "link": trap if dice.random() < 0.05 else dice.choice(links),
            "seconds": dice.randrange(0, 20_000),
            "visitor": dice.randrange(8),
            "network": dice.choice([OFFICE, CLOUD, SCANNER]),
        }
        for _ in range(150)
    ]
    for row in rows:
        kind = HitKind.TRAP if row["link"] is trap else HitKind.CLICK
        make_hit(issue, kind=kind, **row)
        if dice.random() < 0.1:
            judging.judge_due(LATER)
    judging.judge_due(LATER)
    results = (totals(issue), hours(issue))
    for model in (IssueTotals, LinkHour):
        model.objects.all().delete()
    Hit.objects.update(verdict=None, reasons=0)
    monkeypatch.setattr(judging, "BATCH", 5_000)
    judging.judge_due(LATER)
    assert (totals(issue), hours(issue)) == results


def ends_after(statements: int) -> Callable[..., Any]:
    """Return a wrapper for a connection that ends the process after so many statements."""
    left = iter(range(statements))

    def execute_or_end(execute: Callable[..., Any], *statement: Any) -> Any:
        if not statement[0].startswith(("ROLLBACK", "RELEASE")) and next(left, None) is None:
            raise KeyboardInterrupt
        return execute(*statement)

    return execute_or_end


def test_a_process_that_ends_anywhere_has_done_nothing(issue: Issue) -> None:
    """Whatever statement is the last, nothing of the batch is written."""
    make_hit(issue, make_link(issue))
    number = 0
    while True:
        number += 1
        try:
            with connection.execute_wrapper(ends_after(number)):
                judging.judge_due(LATER)
        except KeyboardInterrupt:
            assert Hit.objects.get().verdict is None
            assert not totals(issue)
            assert not LinkHour.objects.exists()
            continue
        break
    assert number > 6
    assert totals(issue) == {"clicks": 1, "unique_clickers": 1}


@pytest.mark.django_db(transaction=True)
def test_one_process_judges_at_a_time(issue: Issue) -> None:
    """The second does nothing, and beat calls it again."""
    make_hit(issue, make_link(issue))
    other = connection.copy()
    try:
        with other.cursor() as cursor, transaction.atomic():
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [locks.Purpose.JUDGE_HITS])
            assert judging.judge_due(LATER) == 0
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert judging.judge_due(LATER) == 1
