"""Preview the subject and preheader of the next issue."""

from dataclasses import dataclass, replace
from datetime import datetime

from digest.issues import building
from digest.issues.composing import Draft
from digest.issues.models import Block, Story
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from digest.rendering.issue import compile_issue

_EXAMPLE_BLOCK = Block(position=0, kind=BlockKind.LEAD)
_EXAMPLE = Story(
    position=0,
    block=_EXAMPLE_BLOCK,
    url="https://example.org/",
    title="A headline",
    summary="What the story is about.",
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The texts that a subscriber sees before opening an issue."""

    subject: str
    preheader: str


def opening(newsletter: Newsletter, now: datetime) -> Opening:
    """Return the opening of an issue with the latest stories, or with an example story.

    Raises DigestError for a template that cannot be rendered.
    """
    draft = example_draft(building.draft(newsletter, now))
    compiled = compile_issue(draft.issue, draft.blocks, draft.stories)
    return Opening(compiled.subject, compiled.preheader)


def example_draft(draft: Draft) -> Draft:
    """Return a draft, with an example story if it has none."""
    if draft.stories:
        return draft
    return replace(draft, blocks=[_EXAMPLE_BLOCK], stories=[_EXAMPLE])
