"""What of an edition a reader gets: the stories of the topics they chose, or all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from digest.editions.models import Edition
from digest.newsletters.models import Cadence, Section
from digest.rendering.compiled import Compiled
from digest.subscribers.audience import Issue


@dataclass(frozen=True, slots=True)
class Shelf:
    """An edition ready to be sent, with what each of its stories is about."""

    compiled: Compiled
    issue: Issue  # what readers' choices are held against
    stories: Mapping[int, frozenset[str]]  # topics by position, of the stories that may go out
    whole: bool = True  # these are all that were compiled: none was taken back

    def chosen(self, topics: Collection[str]) -> frozenset[int] | None:
        """Return the positions of the stories for a reader of these topics; None for all.

        A topic that cannot be chosen any more counts for nothing. A reader of whose topics there is
        no story should not have come this far: they chose anew this very moment, and get all.
        """
        wanted = self.issue.choosable.intersection(topics)
        found = frozenset(at for at, about in self.stories.items() if about & wanted)
        if found and len(found) < len(self.stories):
            return found
        return None if self.whole else frozenset(self.stories)


def shelf_of(edition: Edition, compiled: Compiled) -> Shelf:
    """Lay an edition out by topics, as its newsletter's sections are called now."""
    sections = Section.objects.filter(newsletter=edition.newsletter_id, kind=Section.Kind.TOPIC)
    choosable = frozenset(sections.values_list("title", flat=True))
    fitting = edition.stories.exclude(position__in=compiled.dropped)
    rows = fitting.filter(retracted_at=None)
    stories = {
        position: choosable.intersection(topics)
        for position, topics in rows.values_list("position", "topics")
    }
    about = frozenset[str]().union(*stories.values())
    issue = Issue(readers_of(edition), about, choosable, frozenset(edition.only_topics))
    return Shelf(compiled, issue, stories, whole=len(stories) == fitting.count())


def readers_of(edition: Edition) -> frozenset[Cadence]:
    """Return the cadences whose readers an edition is for.

    One sent by hand is for all. Who chose a cadence that is offered no more receives every issue.
    """
    if edition.kind == Edition.Kind.MANUAL:
        return frozenset(Cadence)
    if edition.cadence != Cadence.EVERY:
        return frozenset({Cadence(edition.cadence)})
    return frozenset(Cadence).difference(edition.newsletter.cadences) | {Cadence.EVERY}
