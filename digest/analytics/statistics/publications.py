"""The summary of a publication: each newsletter's list and results."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.analytics.statistics.issues import OUT, SentIssue
from digest.analytics.statistics.totals import Numbers, numbers_of, together
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.subscribers import growth

MOST = 1_000  # issues in the list, the newest; numbers are those of all


@dataclass(frozen=True, slots=True)
class NewsletterSummary:
    """A newsletter within a period."""

    newsletter: Newsletter
    list_size: int
    issues: int
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Summary:
    """Newsletters within a period of days."""

    days: int
    list_size: int
    newsletters: Sequence[NewsletterSummary]
    issues: Sequence[SentIssue]  # the newest first

    @property
    def numbers(self) -> Numbers:
        """All newsletters together."""
        return together(row.numbers for row in self.newsletters)


def summarize(newsletters: Sequence[Newsletter], now: datetime, days: int = 30) -> Summary:
    """Return how newsletters did in the last days: with the issues that went out in them."""
    rows = Issue.objects.filter(
        Issue.REGULAR,
        newsletter__in=newsletters,
        state__in=OUT,
        planned_at__gt=now - timedelta(days=days),
    )
    newsletter_ids = dict(rows.values_list("pk", "newsletter"))
    numbers = numbers_of(newsletter_ids)
    groups: defaultdict[int, list[Numbers]] = defaultdict(list)
    for issue_id, newsletter_id in newsletter_ids.items():
        groups[newsletter_id].append(numbers[issue_id])
    newest = rows.filter(pk__in=newsletter_ids).select_related("newsletter__publication")
    issues = [SentIssue(row, numbers[row.pk]) for row in newest.order_by("-slot")[:MOST]]
    sizes = growth.list_sizes([newsletter.pk for newsletter in newsletters])
    summaries = [
        NewsletterSummary(row, sizes[row.pk], len(groups[row.pk]), together(groups[row.pk]))
        for row in newsletters
    ]
    return Summary(days, sum(sizes.values()), summaries, issues)
