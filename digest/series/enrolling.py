"""Who enters a series and who leaves it. Sign-ups enter it by themselves (sql/enrolments.sql)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from digest.core.database.statements import execute
from digest.newsletters.models import Newsletter
from digest.series.errors import SeriesError
from digest.series.models import Enrolment, Series, Step
from digest.subscribers import audience
from digest.subscribers.models import Subscriber, Subscription

BATCH = 5_000

State = Enrolment.State


def enrol(series: Series, subscriber_ids: Collection[int], now: datetime) -> int:
    """Let subscribers enter a series who were never in it; return how many did."""
    first = series.steps.order_by("position").first()
    if first is None:
        return 0
    due_at = now + timedelta(minutes=first.delay_minutes)
    return execute(
        _ENROL, [series.pk, State.ACTIVE, first.pk, now, now, due_at, list(subscriber_ids)]
    )


# In one statement for thousands; whoever is being erased is left out.
_ENROL = """
INSERT INTO series_enrolment
    (series_id, subscriber_id, state, next_step_id, entered_at, since, due_at)
SELECT %s, subscriber.id, %s, %s, %s, %s, %s FROM subscribers_subscriber AS subscriber
WHERE subscriber.id = ANY(%s)
ON CONFLICT (series_id, subscriber_id) DO NOTHING
"""


def outside(series: Series, now: datetime) -> QuerySet[Subscription]:
    """Return the subscriptions of a series' newsletter whose subscribers were never in it."""
    enrolments = Enrolment.objects.filter(series=series, subscriber=OuterRef("subscriber"))
    of_newsletter = audience.audience_of(series.newsletter, now)
    return audience.eligible(series.newsletter_id, now, of_newsletter).exclude(Exists(enrolments))


def enrol_existing(series: Series, now: datetime) -> int:
    """Let everybody enter a series who may be mailed and was never in it; return how many did."""
    total, after = 0, 0
    rows = outside(series, now).order_by("subscriber").values_list("subscriber", flat=True)
    while ids := list(rows.filter(subscriber__gt=after)[:BATCH]):
        total += enrol(series, ids, now)
        after = ids[-1]
    return total


def end(rows: QuerySet[Enrolment], state: Enrolment.State, now: datetime) -> int:
    """End enrolments that are active; return how many were."""
    active = rows.filter(state=State.ACTIVE)
    return active.update(state=state, next_step=None, due_at=None, ended_at=now)


@transaction.atomic
def remove(series: Series, subscriber: Subscriber, now: datetime) -> None:
    """Take a subscriber out of a series; raise SeriesError if they are not in it."""
    if not end(series.enrolments.filter(subscriber=subscriber), State.REMOVED, now):
        raise SeriesError(f"{subscriber.email} is not in this series.")


def welcomed(subscriber_id: int, newsletter_ids: Collection[int], now: datetime) -> set[int]:
    """Return the newsletters whose series welcomes somebody who confirmed at `now`.

    It does if its first mail goes out at once, so not while the newsletter is not sent. Who was in
    the series before gets none of it, nor does who is not a member yet of a newsletter for members.
    """
    rows = Enrolment.objects.filter(
        subscriber=subscriber_id,
        series__newsletter__in=newsletter_ids,
        state=State.ACTIVE,
        entered_at=now,
        next_step__delay_minutes=0,
    )
    welcoming = Newsletter.objects.sending().filter(pk__in=rows.values("series__newsletter"))
    return {row.pk for row in welcoming if audience.is_member(subscriber_id, row, now)}


def move_to_next(
    rows: QuerySet[Enrolment], step: Step, now: datetime, *, since: datetime | F | None = None
) -> None:
    """Move enrolments that wait for a step, whoever is past it, to the one that is next for them.

    In the caller's transaction. Steps that they have passed already, because the order was
    changed, are not among those that are next. Who has no step left has completed the series.
    The delay of the next step counts from `since`, which may be a column of theirs; or else `now`.
    """
    since = since or now
    later = list(step.series.steps.filter(position__gt=step.position).order_by("position"))
    remaining = rows.filter(state=State.ACTIVE, next_step=step)
    for following in later:
        passed = following.passages.filter(subscriber=OuterRef("subscriber"))
        due_at = since + timedelta(minutes=following.delay_minutes)
        remaining.exclude(Exists(passed)).update(next_step=following, since=since, due_at=due_at)
    end(remaining, State.COMPLETED, now)
