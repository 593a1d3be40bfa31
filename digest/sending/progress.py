"""How far an issue has got, in numbers that add up.

Triggers in the database note every change of a state as a difference (`Tally`), in the same
transaction. Reading is a sum of a few rows at any size, and no writer waits for another. The last
minute's differences are the pace.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection
from django.db.models import Sum

from digest.issues.models import Issue
from digest.sending.models import Delivery, Tally

log = structlog.get_logger(__name__)

State = Delivery.State
MANY = 40  # rows of one issue's tally
SHORTEST = 1.0  # seconds, of which no pace is read
_SETTLED = [State.SENT, State.FAILED, State.SUPPRESSED, State.UNCERTAIN]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many deliveries of an issue are where."""

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
        """Those that are still to come."""
        return self.queued + self.in_flight + self.deferred

    @property
    def settled(self) -> int:
        """Those whose end is known, or known to be uncertain."""
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
    return _made(dict(rows.annotate(Sum("deliveries"))))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an issue goes out, and when it will have; None: nobody can say."""

    per_second: float | None = None  # deliveries settled, over the last minute
    ends_at: datetime | None = None  # the last of those not yet tried; later tries come on top


def pace(issue: Issue, counts: Progress, now: datetime) -> Pace:
    """Return how fast an issue goes out at present; nothing if it doesn't."""
    if issue.state != Issue.State.SENDING:
        return Pace()
    with connection.cursor() as cursor:
        cursor.execute(_PACE, {"issue": issue.pk, "settled": _SETTLED})
        settled, seconds, last_due = cursor.fetchone()
    if not settled or settled < 0 or seconds < SHORTEST:
        return Pace()
    rate = settled / seconds
    ends_at = now + timedelta(seconds=(counts.queued + counts.in_flight) / rate)
    return Pace(rate, max(ends_at, last_due or ends_at))


# What is due last stands at the end of an index.
_PACE = """
SELECT sum(deliveries)::float, extract(epoch FROM clock_timestamp() - min(at))::float,
    (SELECT max(due_at) FROM sending_delivery WHERE issue_id = %(issue)s AND state IN (0, 2)
        AND attempts = 0)
FROM sending_tally
WHERE issue_id = %(issue)s AND state = ANY(%(settled)s) AND at > now() - interval '1 minute'
"""


def balance(issue: Issue) -> Progress:
    """Count an issue's rows one by one, and put the tally right if it ever went wrong.

    For the end of an issue: it takes as long as the issue is large. Everyone who was planned
    for is in one state, so the numbers add up if the tally is what the rows say.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, {"issue": issue.pk})
        found = cursor.fetchall()
    wrong = [(state, rows - kept) for state, rows, kept in found if rows != kept]
    if wrong:
        log.error("the tally was wrong", issue=issue.pk, missing=str(wrong))
        Tally.objects.bulk_create(
            Tally(issue_id=issue.pk, state=state, deliveries=missing) for state, missing in wrong
        )
    return _made({state: rows for state, rows, _ in found})


# One statement, so both are counted at one moment. Rows may have been put away meanwhile: what was
# uncertain for long can open an issue again.
_BALANCE = """
SELECT state, coalesce(counted.n, 0), coalesce(kept.n, 0)::bigint
FROM (SELECT state, count(*) AS n FROM sending_anydelivery WHERE issue_id = %(issue)s
      GROUP BY state) AS counted
FULL JOIN (SELECT state, sum(deliveries) AS n FROM sending_tally WHERE issue_id = %(issue)s
      GROUP BY state) AS kept USING (state)
"""


def compact(issue: int | None = None) -> None:
    """Draw the differences together where they have become many. Safe beside writers.

    Of one issue, by its id, they become as few as can be.
    """
    which, many = (_OLD, MANY) if issue is None else (_ONE, len(State))
    with connection.cursor() as cursor:
        cursor.execute(_COMPACT.format(which=which), {"many": many, "issue": issue})


_OLD = "at < now() - interval '1 minute'"  # the last minute's are what the pace is read from
_ONE = "issue_id = %(issue)s"
_COMPACT = """
WITH long AS (
    SELECT issue_id FROM sending_tally WHERE {which}
    GROUP BY issue_id HAVING count(*) > %(many)s
), gone AS (
    DELETE FROM sending_tally
    WHERE issue_id IN (SELECT issue_id FROM long) AND {which}
    RETURNING issue_id, state, deliveries, at
)
INSERT INTO sending_tally (issue_id, state, deliveries, at)
SELECT issue_id, state, sum(deliveries), max(at) FROM gone GROUP BY issue_id, state
"""


def _made(counts: dict[int, int]) -> Progress:
    return Progress(**{_FIELDS[State(state)]: count for state, count in counts.items()})
