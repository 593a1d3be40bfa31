"""Begin an experiment when its issue is planned, and let the rest go when it is decided.

Those who do not take part are due an hour after its end, unless it is decided before, as it should
be; then they are due at once. While the issue is paused the experiment waits too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from digest.core import jobs
from digest.core.database.statements import execute
from digest.issues.experiments import variants
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.sending.experiments.split import SCALE, Split
from digest.sending.models import SQL_STATES, Chunk

GRACE = timedelta(hours=1)  # after which the rest goes out even if nobody decided


def split_of(experiment: Experiment | None) -> Split | None:
    """Return who gets which variant; None as long as it has not begun, or where there is none."""
    if experiment is None or not experiment.has_begun:
        return None
    share = experiment.share / 100
    return Split(experiment.issue.uuid, experiment.variants, share, experiment.winner)


@dataclass(frozen=True, slots=True)
class Hold:
    """Who of an issue's subscribers waits for the winner, and until when."""

    issue: UUID
    share: float  # of those who take part, 0 to 1
    until: datetime  # due then if nobody decided before


def is_tested(issue: Issue) -> bool:
    """Return whether an issue has an experiment that is not decided."""
    return Experiment.objects.filter(issue=issue, decided_at=None).exists()


@transaction.atomic
def begin(issue: Issue, now: datetime) -> Hold | None:
    """Begin an issue's experiment before its deliveries are planned; return who waits for its end.

    In the transaction of the planner, which holds the issue. One that cannot run, as what it needs
    was changed meanwhile, is stopped: everyone gets the issue as it is.
    """
    rows = Experiment.objects.select_for_update(of=("self",)).select_related("issue__newsletter")
    experiment = rows.filter(issue=issue, decided_at=None).first()
    if experiment is None:
        return None
    variants.prune(experiment)
    problem = variants.problem_of(issue)
    if experiment.variants == 1:
        problem = "The stories to test are not in the issue any more, or stand first."
    if problem:
        experiment.finding, experiment.reason = Experiment.Finding.STOPPED, problem
        experiment.winner, experiment.decided_at = 0, now
        experiment.save()
        return None
    ends_at = max(now, issue.goes_at) + timedelta(minutes=experiment.minutes)
    _move_end(experiment, ends_at, now)
    return Hold(issue.uuid, experiment.share / 100, ends_at + GRACE)


def is_held(hold: Hold) -> tuple[str, list[Any]]:
    """Return the condition, on a column `uuid`, that a subscriber waits for the winner."""
    return f"{_BUCKET.format(issue='%s', subscriber='uuid')} >= %s", [str(hold.issue), hold.share]


def choose_variants(issue: Issue, now: datetime) -> None:
    """Record who takes part with which variant: after all are planned, before any mail leaves."""
    experiment = Experiment.objects.filter(issue=issue, decided_at=None).first()
    if experiment is None:
        return
    values = _values(experiment, now) | {
        "variants": experiment.variants,
        "probability": 1 / experiment.variants,
    }
    execute(_CHOOSE, values)


def finish(experiment: Experiment, winner: int, now: datetime) -> int:
    """Let the rest have the winner, at once; return how many that are.

    In the caller's transaction, which saves the experiment.
    """
    values = _values(experiment, now) | {"winner": winner}
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE_REST, values)
        cursor.execute(_RELEASE_ROWS, values)
        rows = int(cursor.rowcount)
    untried = _move_chunks(_untried(experiment).filter(due_at__gt=now), now)
    jobs.enqueue(jobs.SEND_DELIVERIES)
    return rows + untried


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
    ends_at = experiment.decides_at + (now - experiment.paused_at)
    experiment.paused_at = None
    _move_end(experiment, ends_at, now)


def _move_end(experiment: Experiment, ends_at: datetime, now: datetime) -> None:
    """Let an experiment end at another moment; what waits for its winner is due after it."""
    values = _values(experiment, now) | {"due": ends_at + GRACE}
    execute(_HOLD_ROWS, values)
    if experiment.decides_at and experiment.decides_at != ends_at:
        # Those who wait are in chunks of their own: they alone are due after the end.
        waiting = _untried(experiment).filter(due_at=experiment.decides_at + GRACE)
        _move_chunks(waiting, ends_at + GRACE)
    experiment.decides_at = ends_at
    experiment.save()


def _untried(experiment: Experiment) -> QuerySet[Chunk]:
    return Chunk.objects.filter(issue=experiment.issue_id, fence=None)


def _move_chunks(waiting: QuerySet[Chunk], due_at: datetime) -> int:
    """Let chunks be due at another moment, after which none is `waiting`; return their deliveries.

    They are locked by their ids, as an erasure does it. One that was replaced while this waited for
    its lock is seen by the next statement.
    """
    total = 0
    while waiting.exists():
        rows = waiting.select_for_update(of=("self",)).order_by("pk")
        sizes = dict(rows.values_list("pk", "size"))
        Chunk.objects.filter(pk__in=sizes).update(due_at=due_at)
        total += sum(sizes.values())
    return total


def _values(experiment: Experiment, now: datetime) -> dict[str, Any]:
    return {
        "issue": experiment.issue_id,
        "uuid": str(experiment.issue.uuid),
        "share": experiment.share / 100,
        "now": now,
    }


# The same number as `bucket`.
_BUCKET = (
    "('x' || substr(encode(sha256(({issue} || {subscriber}::text)::bytea), 'hex'), 1, 8))"
    f"::bit(32)::bigint / {SCALE}.0::float8"
)
_PLACE = _BUCKET.format(issue="%(uuid)s", subscriber="subscriber.uuid")
_DELIVERIES = """
    FROM (
        SELECT subscriber_id, state IN {due} AS waits FROM sending_delivery
        WHERE issue_id = %(issue)s
        UNION ALL
        SELECT subscriber_id, false FROM sending_sentdelivery WHERE issue_id = %(issue)s
        UNION ALL
        SELECT unnest(subscriber_ids), fence IS NULL FROM sending_chunk WHERE issue_id = %(issue)s
    ) AS delivery
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
"""
_CHOOSE = f"""
INSERT INTO sending_variantchoice (issue_id, subscriber_id, variant, probability, at)
SELECT %(issue)s, subscriber_id, trunc(place / %(share)s * %(variants)s), %(probability)s, %(now)s
FROM (SELECT delivery.subscriber_id, {_PLACE} AS place {_DELIVERIES}) AS places
WHERE place < %(share)s
ON CONFLICT DO NOTHING
""".format(**SQL_STATES)  # noqa: S608  expressions of ours
_HOLD_ROWS = f"""
UPDATE sending_delivery AS delivery SET due_at = %(due)s
FROM subscribers_subscriber AS subscriber
WHERE delivery.issue_id = %(issue)s AND delivery.state IN {{due}}
    AND subscriber.id = delivery.subscriber_id AND {_PLACE} >= %(share)s
""".format(**SQL_STATES)  # noqa: S608
# Those whose mail has left, as nobody decided in time, got the issue as it is.
_CHOOSE_REST = f"""
INSERT INTO sending_variantchoice (issue_id, subscriber_id, variant, probability, at)
SELECT %(issue)s, delivery.subscriber_id, CASE WHEN delivery.waits THEN %(winner)s ELSE 0 END, 1,
    %(now)s
{_DELIVERIES} WHERE {_PLACE} >= %(share)s
ON CONFLICT DO NOTHING
""".format(**SQL_STATES)
_RELEASE_ROWS = """
UPDATE sending_delivery SET due_at = %(now)s
WHERE issue_id = %(issue)s AND state = {queued} AND due_at > %(now)s
""".format(**SQL_STATES)
