"""How many joined and left each day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Event

import pytest
from django.db import connection, transaction

from digest.newsletters.models import Newsletter
from digest.selfservice import erasure
from digest.subscribers import consent, growth
from digest.subscribers.models import Cohort, ConsentEvent, Growth, Subscription
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db
Action = ConsentEvent.Action


def note(newsletter: Newsletter, action: str, at: datetime = NOON) -> int:
    """Let a new subscriber do something; return them."""
    subscriber = make_subscriber(newsletter)
    ConsentEvent.objects.create(
        subscriber=subscriber, newsletter=newsletter, action=action, at=at, via="test"
    )
    return subscriber.pk


def test_each_day_has_its_number() -> None:
    """In UTC days, the days without anybody too; a wish alone is not a subscriber."""
    tide = make_newsletter()
    for action in (Action.CONFIRMED, Action.IMPORTED, Action.REQUESTED, Action.UNSUBSCRIBED):
        note(tide, action)
    note(tide, Action.CONFIRMED, datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    note(tide, Action.CONFIRMED, NOON - timedelta(days=9))
    assert growth.count_by_day(None, 3, NOON) == [
        (date(2026, 11, 21), 0, 0),
        (date(2026, 11, 22), 1, 0),
        (date(2026, 11, 23), 2, 1),
    ]


def test_each_newsletter_has_its_own() -> None:
    """Those of others are not counted in."""
    tide, ebb = make_newsletter(), make_newsletter(slug="ebb")
    note(tide, Action.CONFIRMED)
    note(ebb, Action.CONFIRMED)
    assert growth.count_by_day([tide.pk], 1, NOON)[0][1] == 1
    assert growth.count_by_day([], 1, NOON)[0][1] == 0
    assert growth.count_by_day(None, 1, NOON)[0][1] == 2


def test_whoever_never_confirmed_does_not_leave() -> None:
    """As those do who unsubscribe from all: also from what a stranger had asked for."""
    tide = make_newsletter()
    subscriber = note(tide, Action.REQUESTED)
    Subscription.objects.update(state=Subscription.State.PENDING)
    assert consent.unsubscribe(subscriber, tide.pk, via="preferences", ip=None, now=NOON)
    assert ConsentEvent.objects.filter(action=Action.UNSUBSCRIBED).exists()
    assert growth.count_by_day(None, 1, NOON) == [(NOON.date(), 0, 0)]


def test_who_is_erased_has_joined_all_the_same() -> None:
    """And one who unsubscribes through the page is counted."""
    tide = make_newsletter()
    subscriber = note(tide, Action.CONFIRMED)
    consent.unsubscribe(subscriber, tide.pk, via="page", ip=None, now=NOON)
    erasure.erase(subscriber, NOON)
    assert not ConsentEvent.objects.exists()
    assert growth.count_by_day(None, 1, NOON) == [(NOON.date(), 1, 1)]


def test_many_events_at_once_are_one_row_and_many_rows_become_one() -> None:
    """The numbers stay."""
    tide = make_newsletter()
    subscribers = [make_subscriber(tide) for _ in range(30)]
    events = [
        ConsentEvent(subscriber=row, newsletter=tide, action="imported", at=NOON, via="test")
        for row in subscribers
    ]
    ConsentEvent.objects.bulk_create(events)
    assert Growth.objects.count() == 1
    for _ in range(25):
        note(tide, Action.CONFIRMED)
    before = growth.count_by_day(None, 1, NOON)
    growth.compact()
    growth.compact()
    assert Growth.objects.count() == 1
    assert growth.count_by_day(None, 1, NOON) == before == [(NOON.date(), 55, 0)]


def test_growth_and_cohorts_know_where_and_when_they_signed_up() -> None:
    """By the request that they confirmed, months later too; an erased subscriber has left."""
    tide, ebb = make_newsletter(), make_newsletter(slug="ebb")
    september, month = datetime(2026, 9, 30, 23, tzinfo=UTC), timedelta(days=31)
    row = make_subscriber(tide)
    note_again = ConsentEvent.objects.create
    for newsletter, action, at, via in (
        (tide, Action.REQUESTED, september, "script"),
        (ebb, Action.REQUESTED, september, "mail"),
        (tide, Action.CONFIRMED, september, "page"),
        (tide, Action.UNSUBSCRIBED, september + month, "one-click"),
        (tide, Action.CONFIRMED, NOON, "preferences"),
    ):
        note_again(subscriber=row, newsletter=newsletter, action=action, at=at, via=via)
    assert growth.count_by_source(tide.pk, september.date()) == [
        ("preferences", 1, 0),
        ("script", 1, 1),
    ]
    assert growth.count_by_source(tide.pk, NOON.date()) == [("preferences", 1, 0)]
    assert growth.list_size([tide.pk]) == 1
    erasure.erase(row.pk, NOON)
    assert growth.list_size(None) == growth.list_size([tide.pk]) == 0
    cohorts = growth.count_cohorts(tide.pk, date(2026, 9, 1))
    assert [(str(joined), number) for joined, left, number in cohorts if left is None] == [
        ("2026-09-01", 1),
        ("2026-11-01", 1),
    ]
    assert (date(2026, 9, 1), date(2026, 10, 1), 1) in cohorts
    assert len([left for _, left, _ in cohorts if left]) == 2
    for _ in range(25):
        note(tide, Action.CONFIRMED)
    before = growth.count_cohorts(tide.pk, date(2026, 1, 1))
    growth.compact()
    assert growth.count_cohorts(tide.pk, date(2026, 1, 1)) == before
    assert Cohort.objects.filter(left=None, joined=date(2026, 11, 1)).count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_writer_waits_for_another() -> None:
    """Two imports of one newsletter, each in its open transaction, beside somebody who compacts."""
    tide = make_newsletter()
    both_wrote = [Event(), Event()]

    def run(number: int) -> None:
        try:
            with transaction.atomic():
                note(tide, Action.IMPORTED)
                both_wrote[number].set()
                assert both_wrote[1 - number].wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, number) for number in range(2)]
        assert both_wrote[0].wait(10)
        growth.compact()
        for row in runs:
            row.result(timeout=20)
    assert growth.count_by_day(None, 1, NOON)[0][1] == 2
