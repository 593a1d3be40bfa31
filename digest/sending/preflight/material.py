"""What the checks look at: an issue with its stories and blocks, and the mail made of it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from digest.core import clock, rich_text
from digest.issues.models import Block, Issue, Story
from digest.newsletters.models import Newsletter, Publication
from digest.rendering.compiled import Compiled
from digest.rendering.links import language_of
from digest.sending.preflight.results import Place


@dataclass
class Material:
    """An issue as it would be sent now."""

    issue: Issue
    stories: list[Story]
    blocks: list[Block]  # without those that are hidden
    now: datetime
    compiled: Compiled | None = None  # None: it cannot be rendered
    problem: str = field(default="")  # why it cannot

    @property
    def newsletter(self) -> Newsletter:
        return self.issue.newsletter

    @property
    def publication(self) -> Publication:
        return self.issue.newsletter.publication

    @property
    def language(self) -> str:
        """The language tag of the mail."""
        return language_of(self.newsletter)

    @property
    def sends_at(self) -> datetime:
        """When it goes out (aware): at its time, or now if that is past or nobody chose one."""
        return max(self.issue.goes_at, self.now)

    @cached_property
    def sending_day(self) -> date:
        """The day on which it goes out, in the publication's zone."""
        return self.sends_at.astimezone(clock.zone(self.publication.timezone)).date()

    @cached_property
    def html(self) -> str:
        """The mail's HTML; empty if it cannot be rendered."""
        return self.compiled.html() if self.compiled else ""


def place_of(story: Story) -> Place:
    """Return where a story is on the issue's page."""
    return Place(f"story-{story.pk}", story.title, story.pk)


def place_of_block(block: Block) -> Place:
    """Return where a block is on the issue's page."""
    return Place(f"block-{block.pk}", str(block))


def document_of(block: Block) -> rich_text.Document | None:
    """Return the rich text of a block; None if it has none, or none that can be read."""
    try:
        return rich_text.parse(block.content.get("document"))
    except rich_text.RichTextError:
        return None
