"""Issues, with their blocks, stories and deliveries."""

from typing import Any

from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from digest.sending.models import Delivery
from tests.cast.newsletters import make_newsletter, next_number
from tests.cast.subscribers import make_subscriber, make_subscribers
from tests.clock import LONG_AGO, NOON


def make_issue(newsletter: Newsletter | None = None, **fields: Any) -> Issue:
    """A built issue for noon with no stories."""
    defaults = {"slot": NOON, "state": Issue.State.BUILT, "built_at": NOON}
    return Issue.objects.create(newsletter=newsletter or make_newsletter(), **defaults | fields)


def make_block(issue: Issue, kind: str = BlockKind.LATEST, **fields: Any) -> Block:
    """A block at the end of the issue."""
    return Block.objects.create(issue=issue, kind=kind, position=issue.blocks.count(), **fields)


def make_story(issue: Issue, **fields: Any) -> Story:
    """A story at the end of the issue: in the lead, or in the latest stories behind it."""
    number = next_number()
    is_first = not issue.stories.exists()
    kind, title = (BlockKind.LEAD, "") if is_first else (BlockKind.LATEST, "Latest Stories")
    block = issue.blocks.filter(kind=kind).first()
    defaults = {
        "block": fields.get("block") or block or make_block(issue, kind, title=title),
        "position": issue.stories.count(),
        "revision": 1,
        "reason": "latest",
        "url": f"https://courier.example/story-{number}",
        "title": f"Dredging vote splits the harbour, part {number}",
        "summary": "Members voted eight to seven to begin in spring.",
        "published_at": NOON,
    }
    return Story.objects.create(issue=issue, **defaults | fields)


def make_running(subscribers: int = 1, **fields: Any) -> Issue:
    """An issue being sent: one story, and a due delivery for each subscriber."""
    issue = make_issue(state=Issue.State.SENDING, planned_at=NOON, **fields)
    make_story(issue)
    for _ in range(subscribers):
        subscriber = make_subscriber(issue.newsletter)
        Delivery.objects.create(issue=issue, subscriber=subscriber, due_at=LONG_AGO)
    return issue


def make_due(subscribers: int) -> Issue:
    """A built issue that is due, with one story, of a newsletter with so many subscribers."""
    issue = make_issue(slot=LONG_AGO)
    make_subscribers(issue.newsletter, subscribers)
    make_story(issue)
    return issue
