"""Decide experiments whose time has come. Clicks come 45 seconds late, as they are judged."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q

from digest.accounts.models import User
from digest.analytics.errors import ExperimentError
from digest.analytics.experiments.comparing import Arm, Comparison, compare
from digest.analytics.judging import SETTLED
from digest.analytics.models import Hit, HitKind, Verdict
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue, Story
from digest.relays.models import Dispatch
from digest.sending.experiments import assigning

Finding = Experiment.Finding
_RUNNING = (Issue.State.SENDING, Issue.State.PAUSED, Issue.State.SENT)
PATIENCE = assigning.GRACE / 2  # with the judge: after the whole of it, the rest goes out
RETRACTED = "A story that was tested, or the first one, was retracted."


def decide_due(now: datetime) -> list[Experiment]:
    """Decide the experiments that are due, and send the rest of each; return them.

    One whose issue is paused waits until it is resumed, and one with clicks that are not judged yet
    waits for them. One of which a story was retracted is stopped: the variants are others than
    those that were clicked.
    """
    undecided = Experiment.objects.filter(decides_at__isnull=False, decided_at=None)
    due = undecided.filter(
        decides_at__lte=now - SETTLED - SETTLED / 2,
        issue__state__in=(Issue.State.SENDING, Issue.State.SENT),
    )
    spoilt = undecided.filter(kind=Experiment.Kind.LEADS, issue__state__in=_RUNNING)
    decided = [_stop(experiment.pk, now) for experiment in spoilt if _is_spoilt(experiment)]
    decided += [decide(row.pk, now) for row in due if _is_counted(row, now)]
    return [experiment for experiment in decided if experiment is not None]


@transaction.atomic
def decide(pk: int, now: datetime) -> Experiment | None:
    """Decide one experiment by the clicks until its end; None if another process was faster."""
    if (experiment := _locked(pk)) is None:
        return None
    result = compare(arms_of(experiment))
    finding = Finding.NO_DIFFERENCE if result.winner is None else Finding.WINNER
    return _end(experiment, result.winner or 0, finding, now)


@transaction.atomic
def choose(issue: Issue, winner: int, by: User, now: datetime) -> Experiment:
    """End an experiment early: the rest gets the variant that a person chose; return it.

    Raises ExperimentError where none runs, or for a variant that it does not have.
    """
    running = Experiment.objects.filter(
        issue=issue, decides_at__isnull=False, issue__state__in=_RUNNING
    )
    pk = running.values_list("pk", flat=True).first()
    experiment = _locked(pk) if pk else None
    if experiment is None:
        raise ExperimentError("No experiment of this issue is running. Nothing was changed.")
    if winner not in range(experiment.variants):
        last = experiment.variants - 1
        raise ExperimentError(f"There is no variant {winner}. Choose one from 0 to {last}.")
    experiment.decided_by = by
    return _end(experiment, winner, Finding.CHOSEN, now)


def arms_of(experiment: Experiment) -> list[Arm]:
    """Return what each variant has achieved until now, or until the experiment's end."""
    values = {"issue": experiment.issue_id, "until": experiment.decides_at}
    with connection.cursor() as cursor:
        cursor.execute(_MAILS, values)
        mails = dict(cursor.fetchall())
        cursor.execute(_CLICKERS, values)
        clickers = dict(cursor.fetchall())
    variants = range(experiment.variants)
    return [Arm(mails.get(number, 0), clickers.get(number, 0)) for number in variants]


def _locked(pk: int) -> Experiment | None:
    """Return an experiment, locked, if it is not decided and nobody else decides it now."""
    rows = Experiment.objects.select_for_update(of=("self",), skip_locked=True)
    return rows.select_related("issue").filter(pk=pk, decided_at=None).first()


@transaction.atomic
def _stop(pk: int, now: datetime) -> Experiment | None:
    if (experiment := _locked(pk)) is None:
        return None
    experiment.reason = RETRACTED
    return _end(experiment, 0, Finding.STOPPED, now)


def _end(experiment: Experiment, winner: int, finding: str, now: datetime) -> Experiment:
    arms = arms_of(experiment)
    experiment.results = _results(arms, compare(arms))
    experiment.decided_at, experiment.winner, experiment.finding = now, winner, finding
    experiment.save()
    assigning.finish(experiment, winner, now)
    return experiment


def _is_counted(experiment: Experiment, now: datetime) -> bool:
    """Say whether all clicks until an experiment's end are judged, or have had time enough."""
    end = experiment.decides_at
    if end is None or now >= end + PATIENCE:
        return True
    clicks = Hit.objects.filter(issue_id=experiment.issue_id, verdict=None, at__lte=end)
    return not clicks.exists()


def _is_spoilt(experiment: Experiment) -> bool:
    """Say whether a story that stands first in a variant was retracted since mails went out."""
    stories = Story.objects.filter(
        issue=experiment.issue_id, retracted_at__gte=F("issue__planned_at")
    )
    visible = Story.objects.filter(issue=experiment.issue_id, retracted_at=None)
    first = visible.order_by("position").values_list("position", flat=True).first()
    before = Q(position__lt=first) if first is not None else Q()
    return stories.filter(Q(pk__in=experiment.leads) | before).exists()


def _results(arms: list[Arm], result: Comparison) -> list[dict[str, float]]:
    return [
        {"mails": arm.mails, "clickers": arm.clickers, "best": round(best, 4)}
        for arm, best in zip(arms, result.best, strict=True)
    ]


_MAILS = f"""
SELECT choice.variant, count(*) FROM sending_variantchoice AS choice
JOIN sending_anydelivery AS delivery USING (issue_id, subscriber_id)
WHERE choice.issue_id = %(issue)s AND choice.probability < 1
    AND NOT delivery.waiting AND delivery.state = {Dispatch.State.SENT:d}
    AND delivery.at <= %(until)s
GROUP BY 1
"""  # noqa: S608  numbers of ours
# Of a subscriber the choice says the variant; where nobody is named, the link does.
_CLICKERS = f"""
SELECT coalesce(choice.variant, hit.variant), count(DISTINCT hit.visitor)
FROM analytics_hit AS hit
LEFT JOIN sending_variantchoice AS choice
    ON choice.issue_id = hit.issue_id AND choice.subscriber_id = hit.subscriber_id
WHERE hit.issue_id = %(issue)s AND hit.kind = {HitKind.CLICK:d} AND hit.at <= %(until)s
    AND hit.verdict = {Verdict.HUMAN:d}
    AND coalesce(choice.variant, hit.variant) IS NOT NULL
GROUP BY 1
"""  # noqa: S608
