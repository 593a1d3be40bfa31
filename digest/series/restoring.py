"""After older data were restored: a step that may have been sent since is not sent again."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.series import enrolling
from digest.series.models import Enrolment, Passage, Step

State = Enrolment.State


def due_enrolments(began_at: datetime, now: datetime) -> QuerySet[Enrolment]:
    """Return who would get a step at once that may have been sent before the hold began.

    Not who entered, or was sent the step before, since then. Only of the series that are on.
    """
    due = Enrolment.objects.filter(state=State.ACTIVE, due_at__lte=now, series__active=True)
    return due.filter(since__lt=began_at)


@transaction.atomic
def set_aside(began_at: datetime, now: datetime) -> int:
    """Leave out `due_enrolments`, and let their subscribers go on; return how many they were."""
    total = 0
    steps = Step.objects.filter(pk__in=due_enrolments(began_at, now).values("next_step"))
    for step in steps.select_related("series").order_by("pk"):
        rows = due_enrolments(began_at, now).filter(next_step=step)
        ids = list(rows.select_for_update(of=("self",)).values_list("pk", "subscriber"))
        Passage.objects.bulk_create(
            (
                Passage(step=step, subscriber_id=pk, outcome=Passage.Outcome.SET_ASIDE, at=now)
                for _, pk in ids
            ),
            batch_size=enrolling.BATCH,
            ignore_conflicts=True,
        )
        waiting = Enrolment.objects.filter(pk__in=[pk for pk, _ in ids])
        enrolling.move_to_next(waiting, step, now)
        total += len(ids)
    return total
