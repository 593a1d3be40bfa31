"""How many deliveries of an issue are in each state, in numbers that add up.

Triggers in the database record every change of a state as a difference (`Tally`), in the same
transaction. Reading is a sum of a few rows at any size, and no writer waits for another. The last
minute's differences are the pace.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import Sum

from digest.core.database.differences import merge_differences
from digest.core.database.statements import execute, fetch_row, fetch_rows
from digest.issues.models import Issue
from digest.sending.models import SQL_STATES, AppealTally, Delivery, Tally

log = structlog.get_logger(__name__)

State = Delivery.State
MANY = 40  # rows of one issue's tally
SHORTEST = 1.0  # seconds: over a shorter time no pace is computed
_PROCESSED = [State.SENT, State.FAILED, State.SUPPRESSED, State.UNCERTAIN]  # by senders


@dataclass(frozen=True, slots=True)
class Progress:
    """How many deliveries of an issue are in each state."""

    queued: int = 0
    in_flight: int = 0
    deferred: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    cancelled: int = 0
    uncertain: int = 0

    @property
    def eligible(self) -> int:
        """Everyone for whom a delivery was planned."""
        return self.waiting + self.settled

    @property
    def waiting(self) -> int:
        """Those that are not over."""
        return self.queued + self.in_flight + self.deferred

    @property
    def settled(self) -> int:
        """Those that are over, the uncertain ones included."""
        return self.sent + self.failed + self.suppressed + self.cancelled + self.uncertain


_FIELDS = {
    State.QUEUED: "queued",
    State.CLAIMED: "in_flight",
    State.DEFERRED: "deferred",
    State.SENT: "sent",
    State.FAILED: "failed",
    State.SUPPRESSED: "suppressed",
    State.CANCELLED: "cancelled",
    State.UNCERTAIN: "uncertain",
}


def progress(issue: Issue) -> Progress:
    """Return an issue's deliveries by state, at one moment."""
    rows = Tally.objects.filter(issue_id=issue.pk).values_list("state")
    return _progress_of(dict(rows.annotate(Sum("deliveries"))))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an issue is sent, and when it will be finished; None: not known."""

    per_second: float | None = None  # deliveries settled, over the last minute
    ends_at: datetime | None = None  # of first attempts; retries may come later


def pace(issue: Issue, counts: Progress, now: datetime) -> Pace:
    """Return how fast an issue is sent at present; an empty pace if it is not."""
    if issue.state != Issue.State.SENDING:
        return Pace()
    processed, seconds, last_due = fetch_row(
        _PACE.format(**SQL_STATES), {"issue": issue.pk, "processed": _PROCESSED}
    )
    if not processed or processed < 0 or seconds < SHORTEST:
        return Pace()
    rate = processed / seconds
    ends_at = now + timedelta(seconds=(counts.queued + counts.in_flight) / rate)
    return Pace(rate, max(ends_at, last_due or ends_at))


# The last due time is at the end of an index; chunks are few.
_PACE = """
SELECT sum(deliveries)::float, extract(epoch FROM clock_timestamp() - min(at))::float,
    greatest((SELECT max(due_at) FROM sending_delivery WHERE issue_id = %(issue)s
            AND state IN {due} AND attempts = 0),
        (SELECT max(due_at) FROM sending_chunk WHERE issue_id = %(issue)s))
FROM sending_tally
WHERE issue_id = %(issue)s AND state = ANY(%(processed)s) AND at > now() - interval '1 minute'
"""


def balance(issue: Issue) -> Progress:
    """Count an issue's rows one by one, and correct the tally if it differs.

    For the end of an issue: the time grows with the number of deliveries.
    """
    counts = fetch_rows(_BALANCE, {"issue": issue.pk})
    wrong = [(state, rows - tally) for state, rows, tally in counts if rows != tally]
    if wrong:
        log.error("the tally was wrong", issue=issue.pk, missing=str(wrong))
        Tally.objects.bulk_create(
            Tally(issue_id=issue.pk, state=state, deliveries=missing) for state, missing in wrong
        )
    return _progress_of({state: rows for state, rows, _ in counts})


# One statement, so all are counted at the same moment. Rows may be archived already: an issue can
# be opened again by a delivery that was uncertain for a long time.
_BALANCE = """
SELECT state, coalesce(counted.n, 0), coalesce(tally.n, 0)::bigint
FROM (SELECT state, sum(n)::bigint AS n FROM (
          SELECT state, count(*) AS n FROM sending_anydelivery
          WHERE issue_id = %(issue)s AND NOT waiting GROUP BY state
          UNION ALL
          SELECT (fence IS NOT NULL)::int, sum(size) FROM sending_chunk
          WHERE issue_id = %(issue)s GROUP BY 1
      ) AS parts GROUP BY state) AS counted
FULL JOIN (SELECT state, sum(deliveries) AS n FROM sending_tally WHERE issue_id = %(issue)s
      GROUP BY state) AS tally USING (state)
"""


def compact(issue: int | None = None) -> None:
    """Sum up the differences of issues that have many. Safe while others write.

    Those of one issue, by its id, become as few as possible.
    """
    selection, many = (_OLD, MANY) if issue is None else (_OF_ISSUE, len(State))
    execute(_COMPACT.format(selection=selection), {"many": many, "issue": issue})
    merge_differences(AppealTally, ("appeal_id", "issue_id"), ("deliveries",), MANY)


_OLD = "at < now() - interval '1 minute'"  # the pace is computed from the last minute's
_OF_ISSUE = "issue_id = %(issue)s"
_COMPACT = """
WITH large AS (
    SELECT issue_id FROM sending_tally WHERE {selection}
    GROUP BY issue_id HAVING count(*) > %(many)s
), removed AS (
    DELETE FROM sending_tally
    WHERE issue_id IN (SELECT issue_id FROM large) AND {selection}
    RETURNING issue_id, state, deliveries, at
)
INSERT INTO sending_tally (issue_id, state, deliveries, at)
SELECT issue_id, state, sum(deliveries), max(at) FROM removed GROUP BY issue_id, state
"""


def _progress_of(counts: dict[int, int]) -> Progress:
    return Progress(**{_FIELDS[State(state)]: count for state, count in counts.items()})
