"""Which stories of an issue a subscriber gets: those of the topics they chose, or all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from digest.issues.models import Issue
from digest.newsletters.models import Cadence, Section
from digest.rendering.compiled import Compiled
from digest.subscribers.audience import Audience


@dataclass(frozen=True, slots=True)
class Segmentation:
    """An issue ready to be sent, with the topics of each of its stories."""

    compiled: Compiled
    audience: Audience  # of the issue: the claim selects its subscribers
    stories: Mapping[int, frozenset[str]]  # topics by position, of the stories that may go out
    complete: bool = True  # these are all that were compiled: none was retracted

    def stories_for(self, topics: Collection[str]) -> frozenset[int] | None:
        """Return the positions of the stories for a subscriber of these topics; None for all.

        A topic that cannot be chosen any more is ignored. A subscriber who has no story of their
        topics has changed them since the claim, and gets all stories.
        """
        chosen = self.audience.choosable.intersection(topics)
        positions = frozenset(
            position for position, story_topics in self.stories.items() if story_topics & chosen
        )
        if positions and len(positions) < len(self.stories):
            return positions
        return None if self.complete else frozenset(self.stories)


def segmentation_of(issue: Issue, compiled: Compiled) -> Segmentation:
    """Sort an issue's stories by the topics that its newsletter's sections have now."""
    sections = Section.objects.filter(newsletter=issue.newsletter_id, kind=Section.Kind.TOPIC)
    choosable = frozenset(sections.values_list("title", flat=True))
    compiled_stories = issue.stories.exclude(position__in=compiled.dropped)
    current = compiled_stories.filter(retracted_at=None)
    stories = {
        position: choosable.intersection(topics)
        for position, topics in current.values_list("position", "topics")
    }
    topics = frozenset[str]().union(*stories.values())
    audience = Audience(cadences_of(issue), topics, choosable, frozenset(issue.only_topics))
    complete = len(stories) == compiled_stories.count()
    return Segmentation(compiled, audience, stories, complete=complete)


def cadences_of(issue: Issue) -> frozenset[Cadence]:
    """Return the cadences whose subscribers an issue is for.

    A manual issue is for all. Who chose a cadence that is no longer offered receives every issue.
    """
    if issue.kind == Issue.Kind.MANUAL:
        return frozenset(Cadence)
    if issue.cadence != Cadence.EVERY:
        return frozenset({Cadence(issue.cadence)})
    return frozenset(Cadence).difference(issue.newsletter.cadences) | {Cadence.EVERY}
