"""The results of issues by recipient domain: counted while they are sent, and read as a table.

count_recent   of issues that are going out, or have finished within two days
by_domain      sums of a period, with bounces and complaints
by_issue       one domain's issues over time
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum

from digest.bounces.models import Bounce, DomainResult
from digest.issues.models import Issue

TOO_MANY_COMPLAINTS = 0.003  # of the mails delivered; Gmail and Yahoo refuse mail beyond
FEWEST = 50  # mails, for a share to mean something
DROP = 0.1  # of the share that is delivered
MOST_DOMAINS = 60  # of an issue; the others are one row
RECENT = timedelta(days=2)
LATELY = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of mail to one domain; `label` is the domain, or the issue's day."""

    label: str
    sent: int = 0
    deferred: int = 0
    refused: int = 0
    bounced: int = 0  # of those sent, reported later
    complaints: int = 0

    @property
    def attempted(self) -> int:
        """Deliveries with an outcome."""
        return self.sent + self.refused

    @property
    def delivered(self) -> int:
        """Deliveries that were accepted and have not come back."""
        return max(self.sent - self.bounced, 0)

    @property
    def delivered_share(self) -> float:
        """From 0 to 1; 1 where nothing was attempted."""
        return self.delivered / self.attempted if self.attempted else 1.0

    @property
    def delivered_percent(self) -> str:
        """With one digit, rounded down: a hundred means everyone."""
        return f"{int(self.delivered_share * 1000) / 10:g}"

    @property
    def complaint_share(self) -> float:
        """Complaints by mails delivered, from 0 to 1; Gmail asks for less than 0.001."""
        return self.complaints / self.delivered if self.delivered else 0.0


def count_recent(now: datetime) -> int:
    """Count the results of recent issues; return how many issues."""
    going_out = Q(state__in=[Issue.State.SENDING, Issue.State.PAUSED], planned_at__isnull=False)
    finished = Q(state=Issue.State.SENT, finished_at__gt=now - RECENT)
    issue_ids = list(Issue.objects.filter(going_out | finished).values_list("pk", flat=True))
    for issue_id in issue_ids:
        count_issue(issue_id)
    return len(issue_ids)


@transaction.atomic
def count_issue(issue_id: int) -> None:
    """Count an issue's current deliveries by domain, and replace what was counted before."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [issue_id, MOST_DOMAINS])
        rows = cursor.fetchall()
    if not rows:  # archived, or nothing is sent yet
        return
    DomainResult.objects.filter(issue=issue_id).delete()
    DomainResult.objects.bulk_create(
        DomainResult(
            issue_id=issue_id, domain=domain, sent=sent, deferred=deferred, refused=refused
        )
        for domain, sent, deferred, refused in rows
    )


_COUNT = """
WITH counted AS (
    SELECT split_part(subscriber.address_key, '@', -1) AS domain,
        count(*) FILTER (WHERE delivery.state = 3) AS sent,
        count(*) FILTER (WHERE delivery.state = 2 OR delivery.attempts > 1) AS deferred,
        count(*) FILTER (WHERE delivery.state = 4) AS refused
    FROM sending_delivery AS delivery
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
    WHERE delivery.issue_id = %s AND (delivery.state IN (2, 3, 4))
    GROUP BY 1
), ranked AS (
    SELECT *, row_number() OVER (ORDER BY sent + deferred + refused DESC, domain) AS place
    FROM counted
)
SELECT CASE WHEN place <= %s THEN domain ELSE '' END, sum(sent), sum(deferred), sum(refused)
FROM ranked GROUP BY 1
"""


def by_domain(issue_ids: Sequence[int], most: int = 30) -> list[Result]:
    """Return the results of issues by domain, the largest first."""
    rows = DomainResult.objects.filter(issue__in=issue_ids).values("domain")
    sums = rows.annotate(
        all_sent=Sum("sent"), all_deferred=Sum("deferred"), all_refused=Sum("refused")
    )
    bounces = _bounces(Bounce.objects.filter(issue__in=issue_ids), "domain")
    results = [
        Result(
            row["domain"],
            row["all_sent"],
            row["all_deferred"],
            row["all_refused"],
            *bounces.get(row["domain"], (0, 0)),
        )
        for row in sums
    ]
    return sorted(results, key=lambda result: -result.attempted)[:most]


def by_issue(issue_ids: Sequence[int], domain: str) -> dict[int, Result]:
    """Return one domain's results by issue."""
    rows = DomainResult.objects.filter(issue__in=issue_ids, domain=domain)
    bounces = _bounces(Bounce.objects.filter(issue__in=issue_ids, domain=domain), "issue")
    return {
        row.issue_id: Result(
            domain, row.sent, row.deferred, row.refused, *bounces.get(row.issue_id, (0, 0))
        )
        for row in rows
    }


def latest_bounces(issue_ids: Sequence[int], domain: str, most: int = 20) -> list[Bounce]:
    """Return the latest bounces of a domain, with the servers' words."""
    rows = Bounce.objects.filter(issue__in=issue_ids, domain=domain)
    return list(rows.select_related("subscriber", "issue").order_by("-at", "-pk")[:most])


def _bounces(rows: QuerySet[Bounce], key: str) -> dict[Any, tuple[int, int]]:
    """Return the numbers of bounces reported after delivery, and of complaints, by a column."""
    later = Q(is_complaint=False) & ~Q(source=Bounce.Source.SMTP)
    counted = rows.values(key).annotate(
        bounced=Count("pk", filter=later), complaints=Count("pk", filter=Q(is_complaint=True))
    )
    return {row[key]: (row["bounced"], row["complaints"]) for row in counted}


@dataclass(frozen=True, slots=True)
class Drop:
    """A domain that takes fewer of our mails than before, or complains about too many."""

    domain: str
    summary: str


def drops(issue_ids: Sequence[int], now: datetime) -> list[Drop]:
    """Return the domains whose results got worse in the last three days, among these issues."""
    issues = Issue.objects.filter(pk__in=issue_ids)
    recent_ids = list(issues.filter(slot__gt=now - LATELY).values_list("pk", flat=True))
    earlier_ids = list(issues.filter(slot__lte=now - LATELY).values_list("pk", flat=True))
    if not recent_ids:
        return []
    before = {row.label: row for row in by_domain(earlier_ids, MOST_DOMAINS)}
    pairs = [(row, before.get(row.label)) for row in by_domain(recent_ids) if row.label]
    return [Drop(row.label, text) for row, past in pairs if (text := compare(row, past))]


def compare(recent: Result, before: Result | None) -> str:
    """Say how a domain's results got worse, or "". Pure."""
    if recent.attempted < FEWEST:
        return ""
    if recent.complaints >= 5 and recent.complaint_share >= TOO_MANY_COMPLAINTS:
        share = f"{recent.complaint_share:.1%}"
        return f"{recent.complaints:,} complaints in three days, {share} of the mails delivered."
    usual = before.delivered_share if before and before.attempted >= FEWEST else 1.0
    if recent.delivered_share <= usual - DROP:
        return f"{recent.delivered_share:.0%} delivered in three days, {usual:.0%} before."
    return ""
