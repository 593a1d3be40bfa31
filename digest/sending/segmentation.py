"""What of an issue a subscriber gets: the stories of the topics they chose, or all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from digest.issues.models import Issue
from digest.newsletters.models import Cadence, Section
from digest.rendering.compiled import Compiled
from digest.subscribers.audience import Audience


@dataclass(frozen=True, slots=True)
class Segmentation:
    """An issue ready to be sent, with what each of its stories is about."""

    compiled: Compiled
    audience: Audience  # what subscribers' choices are held against
    stories: Mapping[int, frozenset[str]]  # topics by position, of the stories that may go out
    whole: bool = True  # these are all that were compiled: none was taken back

    def chosen(self, topics: Collection[str]) -> frozenset[int] | None:
        """Return the positions of the stories for a subscriber of these topics; None for all.

        A topic that cannot be chosen any more counts for nothing. A subscriber of whose topics
        there is no story should not have come this far: they chose anew this very moment, and get
        all.
        """
        wanted = self.audience.choosable.intersection(topics)
        found = frozenset(at for at, about in self.stories.items() if about & wanted)
        if found and len(found) < len(self.stories):
            return found
        return None if self.whole else frozenset(self.stories)


def segmentation_of(issue: Issue, compiled: Compiled) -> Segmentation:
    """Lay an issue out by topics, as its newsletter's sections are called now."""
    sections = Section.objects.filter(newsletter=issue.newsletter_id, kind=Section.Kind.TOPIC)
    choosable = frozenset(sections.values_list("title", flat=True))
    fitting = issue.stories.exclude(position__in=compiled.dropped)
    rows = fitting.filter(retracted_at=None)
    stories = {
        position: choosable.intersection(topics)
        for position, topics in rows.values_list("position", "topics")
    }
    about = frozenset[str]().union(*stories.values())
    audience = Audience(subscribers_of(issue), about, choosable, frozenset(issue.only_topics))
    return Segmentation(compiled, audience, stories, whole=len(stories) == fitting.count())


def subscribers_of(issue: Issue) -> frozenset[Cadence]:
    """Return the cadences whose subscribers an issue is for.

    One sent by hand is for all. Who chose a cadence that is offered no more receives every issue.
    """
    if issue.kind == Issue.Kind.MANUAL:
        return frozenset(Cadence)
    if issue.cadence != Cadence.EVERY:
        return frozenset({Cadence(issue.cadence)})
    return frozenset(Cadence).difference(issue.newsletter.cadences) | {Cadence.EVERY}
