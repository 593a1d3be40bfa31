"""Begin an experiment when its issue is planned, and let the rest go when it is decided.

Those who do not take part are due an hour after its end, unless it is decided before, as it should
be; then they are due at once. While the issue is paused the experiment waits too.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from digest.core import jobs
from digest.issues import experiments
from digest.issues.models import Experiment, Issue
from digest.sending.experiments.split import SCALE, Split
from digest.sending.models import SQL_STATES

GRACE = timedelta(hours=1)  # after which the rest goes out even if nobody decided


def split_of(experiment: Experiment | None) -> Split | None:
    """Return who gets which variant; None as long as it has not begun, or where there is none."""
    if experiment is None or not experiment.has_begun:
        return None
    share = experiment.share / 100
    return Split(experiment.issue.uuid, experiment.variants, share, experiment.winner)


@transaction.atomic
def begin(issue: Issue, now: datetime) -> None:
    """Begin an issue's experiment: after its deliveries are planned, before any leaves.

    Called again, by another planner, it changes nothing but the time. One that cannot run, as what
    it needs was changed meanwhile, is stopped: everyone gets the issue as it is.
    """
    rows = Experiment.objects.select_for_update(of=("self",)).select_related("issue__newsletter")
    experiment = rows.filter(issue=issue, decided_at=None).first()
    if experiment is None:
        return
    experiments.prune(experiment)
    problem = experiments.problem_of(issue)
    if experiment.variants == 1:
        problem = "The stories to test are not in the issue any more, or stand first."
    if problem:
        experiment.finding, experiment.reason = Experiment.Finding.STOPPED, problem
        experiment.winner, experiment.decided_at = 0, now
        experiment.save()
        return
    experiment.decides_at = max(now, issue.goes_at) + timedelta(minutes=experiment.minutes)
    experiment.save()
    values = _values(experiment, now) | {
        "variants": experiment.variants,
        "probability": 1 / experiment.variants,
        "due": experiment.decides_at + GRACE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE, values)
        cursor.execute(_HOLD_BACK, values)


def finish(experiment: Experiment, winner: int, now: datetime) -> int:
    """Let the rest have the winner, at once; return how many that are.

    In the caller's transaction, which saves the experiment.
    """
    values = _values(experiment, now) | {"winner": winner}
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE_REST, values)
        cursor.execute(_RELEASE, values)
        number = cursor.rowcount
    jobs.enqueue(jobs.SEND_DELIVERIES)
    return int(number)


def pause(issue: Issue, now: datetime) -> None:
    """Note that the issue is paused, if its experiment runs."""
    running = Experiment.objects.filter(issue=issue, decides_at__isnull=False, decided_at=None)
    running.filter(paused_at=None).update(paused_at=now)


@transaction.atomic
def resume(issue: Issue, now: datetime) -> None:
    """Let an experiment run for as long as was left of it when the issue was paused.

    Before the issue itself is resumed, so that the rest is not due when it goes on.
    """
    rows = Experiment.objects.select_for_update(of=("self",)).select_related("issue")
    experiment = rows.filter(issue=issue, paused_at__isnull=False, decided_at=None).first()
    if experiment is None or experiment.paused_at is None or experiment.decides_at is None:
        return
    experiment.decides_at += now - experiment.paused_at
    experiment.paused_at = None
    experiment.save()
    values = _values(experiment, now) | {"due": experiment.decides_at + GRACE}
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BACK, values)


def _values(experiment: Experiment, now: datetime) -> dict[str, Any]:
    return {
        "issue": experiment.issue_id,
        "uuid": str(experiment.issue.uuid),
        "share": experiment.share / 100,
        "now": now,
    }


# The same number as `bucket`.
_BUCKET = (
    "('x' || substr(encode(sha256((%(uuid)s || subscriber.uuid::text)::bytea), 'hex'), 1, 8))"
    f"::bit(32)::bigint / {SCALE}.0::float8"
)
_DELIVERIES = """
    FROM sending_delivery AS delivery
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
    WHERE delivery.issue_id = %(issue)s
"""
_CHOOSE = f"""
INSERT INTO sending_variantchoice (issue_id, subscriber_id, variant, probability, at)
SELECT %(issue)s, subscriber_id, trunc(place / %(share)s * %(variants)s), %(probability)s, %(now)s
FROM (SELECT delivery.subscriber_id, {_BUCKET} AS place {_DELIVERIES}) AS places
WHERE place < %(share)s
ON CONFLICT DO NOTHING
"""  # noqa: S608  expressions of ours
_HOLD_BACK = f"""
UPDATE sending_delivery SET due_at = %(due)s
WHERE id IN (
    SELECT delivery.id {_DELIVERIES} AND {_BUCKET} >= %(share)s AND delivery.state IN {{due}}
)
""".format(**SQL_STATES)  # noqa: S608
_CHOOSE_REST = f"""
INSERT INTO sending_variantchoice (issue_id, subscriber_id, variant, probability, at)
SELECT %(issue)s, delivery.subscriber_id, %(winner)s, 1, %(now)s
{_DELIVERIES} AND {_BUCKET} >= %(share)s
ON CONFLICT DO NOTHING
"""
_RELEASE = """
UPDATE sending_delivery SET due_at = %(now)s
WHERE issue_id = %(issue)s AND state = {queued} AND due_at > %(now)s
""".format(**SQL_STATES)
