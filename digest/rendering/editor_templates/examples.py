"""An example of an editor's template: a subject or preview text as an issue would have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, TemplateError, nodes

from digest.issues import building
from digest.issues.models import Block, Issue, Story
from digest.newsletters.models import Newsletter
from digest.rendering.cleaned import line
from digest.rendering.content import content_of, editors_values
from digest.rendering.editor_templates import sandbox
from digest.rendering.opening import example_draft

_WITHIN_TEMPLATES = frozenset({"loop", "self", "caller", "varargs", "kwargs"})


@dataclass(frozen=True, slots=True)
class Example:
    """What a template becomes, and which of its names stand for nothing."""

    text: str  # on one line
    unknown: tuple[str, ...]


def example_of(
    newsletter: Newsletter, name: str, template: str, now: datetime, issue: Issue | None = None
) -> Example:
    """Return a template rendered for `issue`, else for the next issue of the newsletter.

    The next issue is the latest that is not sent yet, or else what would be built at `now`. `name`
    is how an error calls the template. Raises DigestError for one that cannot be rendered.
    """
    values = _values(newsletter, now, issue)
    text = sandbox.render({name: template}, values)[name]
    return Example(line(text), tuple(sorted(_unknown(template, values))))


def _values(newsletter: Newsletter, now: datetime, issue: Issue | None) -> dict[str, Any]:
    issue, blocks, stories = _contents(newsletter, now, issue)
    return editors_values(content_of(issue, blocks, stories), stories)


def _contents(
    newsletter: Newsletter, now: datetime, issue: Issue | None
) -> tuple[Issue, list[Block], list[Story]]:
    """Return an issue with its blocks and stories, retracted and hidden ones left out."""
    issue = issue or _unsent(newsletter)
    if issue is None:
        draft = example_draft(building.draft(newsletter, now))
        return draft.issue, draft.blocks, draft.stories
    blocks = list(issue.blocks.select_related("appeal"))
    stories = issue.stories.filter(retracted_at=None, block__hidden=False).select_related("block")
    return issue, blocks, list(stories)


def _unsent(newsletter: Newsletter) -> Issue | None:
    """Return the latest issue that is not sent yet and has stories."""
    states = [Issue.State.DRAFT, Issue.State.BUILT]
    unsent = newsletter.issues.filter(Issue.REGULAR, state__in=states, stories__isnull=False)
    return unsent.order_by("-slot").first()


def _unknown(template: str, values: Mapping[str, Any]) -> set[str]:
    """Return the names in a template that are not values, functions or variables of its own.

    The template is parsed and not run: what it would compute is not computed here.
    """
    environment = Environment(autoescape=True)
    try:
        names = list(environment.parse(template).find_all(nodes.Name))
    except (TemplateError, RecursionError):
        return set()
    own = {name.name for name in names if name.ctx != "load"} | _WITHIN_TEMPLATES
    return {name.name for name in names} - own - values.keys() - environment.globals.keys()
