"""The clicks of an issue's links: by link, by block and by hour."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from digest.analytics.models import LinkHour, LinkTotals
from digest.issues.models import Issue, TrackedLink

HOURS = 48
HOUR = timedelta(hours=1)
NO_CLICKS = LinkTotals(clicks=0, unique_clicks=0, machine_clicks=0, uncertain_clicks=0)

Kind = TrackedLink.Kind


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """A link of the mail and its clicks."""

    link: TrackedLink = field(repr=False)
    clicks: int
    unique_clicks: int
    filtered: int

    @property
    def label(self) -> str:
        """What a person calls the link: its words, else its story's headline, else its address."""
        story = self.link.story
        return self.link.label or (story.title if story else "") or self.link.url

    @property
    def place(self) -> str:
        """Where it stands in the mail: the title of its block, or the block's kind."""
        block = self.link.block
        return str(block) if block else ""

    @property
    def question(self) -> str:
        """What an answer is to, as the mail asked it."""
        block = self.link.block
        return str(block.content.get("question", "") or block) if block else ""


@dataclass(frozen=True, slots=True)
class Hour:
    """The clicks by people within an hour, which begins at `start` (UTC)."""

    start: datetime
    clicks: int
    clickers: int  # whose first click in the issue came then


def link_clicks(issue: Issue) -> list[LinkClicks]:
    """Return the links of an issue's mail and its answers, with most people first."""
    mail_links = TrackedLink.objects.in_mails().filter(issue=issue)
    links = mail_links.exclude(kind=Kind.TRAP).select_related("block", "story")
    totals = {row.link_id: row for row in LinkTotals.objects.filter(issue_id=issue.pk)}
    rows = [_clicks_of(link, totals.get(link.pk, NO_CLICKS)) for link in links]
    return sorted(rows, key=lambda row: (-row.unique_clicks, -row.clicks, row.link.position))


def hours(issue: Issue, start: datetime, count: int = HOURS) -> list[Hour]:
    """Return the clicks in each of the first hours after `start`, which is rounded down."""
    first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    rows = LinkHour.objects.filter(
        issue_id=issue.pk, hour__gte=first, hour__lt=first + count * HOUR
    )
    sums = rows.values_list("hour").annotate(Sum("clicks"), Sum("clickers"))
    counted = {hour: (clicks, clickers) for hour, clicks, clickers in sums}
    return [Hour(at, *counted.get(at, (0, 0))) for at in (first + n * HOUR for n in range(count))]


def by_block(rows: Iterable[LinkClicks]) -> dict[int, int]:
    """Return the clicks by people on each block, by its id. Pure."""
    sums: defaultdict[int, int] = defaultdict(int)
    for row in rows:
        if row.link.block_id:
            sums[row.link.block_id] += row.clicks
    return dict(sums)


def answers(rows: Sequence[LinkClicks]) -> list[LinkClicks]:
    """Return the answers to feedback questions, in the order of the mail. Pure."""
    given_answers = [row for row in rows if row.link.kind == Kind.ANSWER]
    return sorted(given_answers, key=lambda row: row.link.position)


def _clicks_of(link: TrackedLink, totals: LinkTotals) -> LinkClicks:
    return LinkClicks(link, totals.clicks, totals.unique_clicks, totals.machine_clicks)
