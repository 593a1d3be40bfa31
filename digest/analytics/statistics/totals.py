"""The numbers of issues, read from totals: deliveries, clicks, and what came back.

Three short queries for any number of issues, whatever the size of the list.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields

from django.db.models import Sum

from digest.analytics.models import IssueOutcome, IssueTotals
from digest.analytics.statistics.rates import share
from digest.sending.models import Delivery, Tally

State = Delivery.State
Kind = IssueOutcome.Kind


@dataclass(frozen=True, slots=True)
class Numbers:
    """What became of an issue, or of several taken together."""

    sent: int = 0  # accepted by a mail server
    refused: int = 0
    returned: int = 0  # accepted, and reported later
    complaints: int = 0
    unsubscribes: int = 0
    clicks: int = 0  # by people
    clickers: int = 0  # people, or visitors where nobody is named
    filtered: int = 0  # clicks by machines
    uncertain_clicks: int = 0
    opens: int = 0
    uncertain_opens: int = 0
    filtered_opens: int = 0

    @property
    def delivered(self) -> int:
        """Mails that were accepted and have not come back."""
        return max(self.sent - self.returned, 0)

    @property
    def bounces(self) -> int:
        """Mails that were refused, or came back."""
        return self.refused + self.returned

    @property
    def click_rate(self) -> float | None:
        """Clickers by mails delivered, from 0 to 1."""
        return share(self.clickers, self.delivered)

    @property
    def unsubscribe_rate(self) -> float | None:
        """Unsubscribes by mails delivered, from 0 to 1."""
        return share(self.unsubscribes, self.delivered)

    @property
    def bounce_rate(self) -> float | None:
        """Bounces by mails with an outcome, from 0 to 1."""
        return share(self.bounces, self.sent + self.refused)

    @property
    def complaint_rate(self) -> float | None:
        """Complaints by mails delivered, from 0 to 1."""
        return share(self.complaints, self.delivered)


NOTHING = Numbers()


def numbers_of(issue_ids: Collection[int]) -> dict[int, Numbers]:
    """Return the numbers of issues by their ids; zeros for an issue without any."""
    sent = _sums(Tally, "state", "deliveries", issue_ids)
    outcomes = _sums(IssueOutcome, "kind", "number", issue_ids)
    hits = {row.issue_id: row for row in IssueTotals.objects.filter(issue_id__in=issue_ids)}
    return {
        issue_id: Numbers(
            sent=sent.get((issue_id, State.SENT), 0),
            refused=sent.get((issue_id, State.FAILED), 0),
            returned=outcomes.get((issue_id, Kind.BOUNCED), 0),
            complaints=outcomes.get((issue_id, Kind.COMPLAINED), 0),
            unsubscribes=outcomes.get((issue_id, Kind.UNSUBSCRIBED), 0),
            **_of_hits(hits.get(issue_id)),
        )
        for issue_id in issue_ids
    }


def together(rows: Iterable[Numbers]) -> Numbers:
    """Return several issues as if they were a single one."""
    rows = list(rows)
    return Numbers(**{row.name: sum(getattr(n, row.name) for n in rows) for row in fields(Numbers)})


def _of_hits(row: IssueTotals | None) -> dict[str, int]:
    if row is None:
        return {}
    return {
        "clicks": row.clicks,
        "clickers": row.unique_clickers,
        "filtered": row.machine_clicks,
        "uncertain_clicks": row.uncertain_clicks,
        "opens": row.opens,
        "uncertain_opens": row.uncertain_opens,
        "filtered_opens": row.machine_opens,
    }


def _sums(
    model: type[Tally] | type[IssueOutcome], key: str, number: str, issue_ids: Collection[int]
) -> dict[tuple[int, int], int]:
    rows = model.objects.filter(issue_id__in=issue_ids).values_list("issue_id", key)
    return {(issue_id, kind): total for issue_id, kind, total in rows.annotate(Sum(number))}
