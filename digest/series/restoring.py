"""After older data were restored: steps that may have been sent since are not sent again.

The earliest moment at which a step can have been sent is the one at which it is due; the delay of
the step after it counts from there. So several steps of somebody may have been sent before the
hold began, and all of these are left out.

Whoever waits to become a member of a newsletter for members was sent nothing while they were none:
they go on waiting. Who became a member after the backup was made may get a step twice.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import (
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)

from digest.core.database.statements import execute
from digest.series import enrolling
from digest.series.models import Enrolment, Outcome, Series, Step
from digest.subscribers import audience

State = Enrolment.State


def due_enrolments(began_at: datetime) -> QuerySet[Enrolment]:
    """Return who waits for a step that may have been sent before the hold began.

    Only in the series that are on: nothing of the others is sent before a person agrees to it.
    """
    return _due(began_at).exclude(_waits_to_be_a_member(began_at))


@transaction.atomic
def set_aside(began_at: datetime, now: datetime) -> int:
    """Leave out the steps that may have been sent; return how many mails that are.

    Their subscribers go on with the first step that cannot have been sent, with its delay.
    """
    # Not due before the hold any more, so that nothing below concerns them.
    _due(began_at).filter(_waits_to_be_a_member(began_at)).update(due_at=now)
    series_ids = set(_due(began_at).values_list("series", flat=True).distinct())
    steps = Step.objects.filter(series__in=series_ids)
    # In the order of a series, so that whoever is moved to a later step is looked at there again.
    ordered = steps.select_related("series").order_by("series", "position")
    return sum(_set_aside_step(step, began_at, now) for step in ordered)


def _due(began_at: datetime) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(state=State.ACTIVE, due_at__lt=began_at, series__active=True)


def _waits_to_be_a_member(at: datetime) -> Q:
    """Return the condition of those who may be mailed, but do not belong to the segment yet."""
    condition = Q(pk__in=())
    rows = Series.objects.filter(active=True, trigger=Series.Trigger.SIGN_UP)
    for series in rows.filter(newsletter__segment__isnull=False).select_related("newsletter"):
        newsletter = series.newsletter
        mailable = audience.eligible(newsletter.pk, at)
        members = audience.eligible(newsletter.pk, at, audience.audience_of(newsletter, at))
        own = Q(subscriber=OuterRef("subscriber"))
        condition |= Q(Exists(mailable.filter(own)), ~Exists(members.filter(own)), series=series)
    return condition


def _set_aside_step(step: Step, began_at: datetime, now: datetime) -> int:
    number = execute(
        _STORE_PASSAGES,
        [step.pk, State.ACTIVE, began_at, step.pk, Outcome.SET_ASIDE, now],
    )
    enrolling.move_to_next(_due(began_at), step, now, since=F("due_at"))
    passages = step.passages.filter(outcome=Outcome.SET_ASIDE, at=now)
    moved = step.series.enrolments.filter(
        Exists(passages.filter(subscriber=OuterRef("subscriber"))),
        state=State.ACTIVE,
        due_at__gte=began_at,
    )
    delay = F("due_at") - F("since")
    due_at = ExpressionWrapper(Value(now) + delay, output_field=DateTimeField())
    moved.update(since=now, due_at=due_at)
    return number


# Raw SQL: the ids of everybody who waits, maybe a million, need not come here.
_STORE_PASSAGES = """
WITH due AS (
    SELECT subscriber_id FROM series_enrolment
    WHERE next_step_id = %s AND state = %s AND due_at < %s ORDER BY id FOR UPDATE
)
INSERT INTO series_passage (step_id, subscriber_id, outcome, at)
SELECT %s, subscriber_id, %s, %s FROM due
ON CONFLICT (step_id, subscriber_id) DO NOTHING
"""
