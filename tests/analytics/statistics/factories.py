"""Issues that were sent, with deliveries and clicks as their totals have them."""

from datetime import datetime, timedelta
from typing import Any

from digest.analytics.models import IssueTotals, LinkHour
from digest.issues.models import Block, Issue, Story, TrackedLink
from digest.newsletters.models import Newsletter
from digest.sending.models import Delivery, Tally
from tests.cast import NOON, make_issue, make_story

HOUR = timedelta(hours=1)


def make_sent_issue(
    newsletter: Newsletter, at: datetime = NOON, *, sent: int = 100, refused: int = 0, **fields: Any
) -> Issue:
    """An issue with two stories that went out to `sent` subscribers."""
    defaults = {"subject": "Seals return", "planned_at": at, "finished_at": at}
    issue = make_issue(newsletter, slot=at, state=Issue.State.SENT, **defaults | fields)
    make_story(issue, topics=["harbour"], title="Seals return")
    make_story(issue, topics=["harbour", "vote"], title="Dredging vote")
    for state, number in ((Delivery.State.SENT, sent), (Delivery.State.FAILED, refused)):
        Tally.objects.create(issue_id=issue.pk, state=state, deliveries=number)
    return issue


def make_link(
    issue: Issue, story: Story | None = None, block: Block | None = None, **fields: Any
) -> TrackedLink:
    """A tracked link of a story (or a block) of the issue."""
    defaults: dict[str, Any] = {
        "block": block or (story.block if story else None),
        "story": story,
        "url": story.url if story else "https://courier.example/",
        "position": issue.links.count(),
        "label": story.title if story else "",
    }
    return TrackedLink.objects.create(issue=issue, **defaults | fields)


def make_clicks(link: TrackedLink, clicks: int, *, after: int = 0, machine: int = 0) -> None:
    """Clicks by as many people, so many hours after the issue's slot; and by machines."""
    LinkHour.objects.create(
        issue_id=link.issue_id,
        link_id=link.pk,
        hour=link.issue.slot.replace(minute=0, second=0, microsecond=0) + after * HOUR,
        clicks=clicks + 1 if clicks else 0,  # somebody clicked twice
        unique_clicks=clicks,
        clickers=clicks,
        machine_clicks=machine,
    )


def make_totals(issue: Issue, clickers: int, **fields: Any) -> IssueTotals:
    """The totals of an issue with so many people who clicked."""
    defaults = {"clicks": clickers + 1, "unique_clickers": clickers, "changed_at": NOON}
    return IssueTotals.objects.create(issue_id=issue.pk, **defaults | fields)
