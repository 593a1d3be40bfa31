"""The sections of a newsletter: added, changed, moved and taken out; their order has no gaps."""

from collections.abc import Iterable

from django.db import transaction

from digest.newsletters import checks
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Section

MOST = 20  # sections of a newsletter
LONGEST_TITLE = 200  # characters, as the database holds it
LARGEST = 100  # stories of a section


@transaction.atomic
def add(
    newsletter: Newsletter, kind: str, title: str, topics: Iterable[str], max_stories: int
) -> Section:
    """Add a section at the end, once if asked twice; raise NewsletterError for what cannot be."""
    sections = _locked_sections(newsletter)
    section = Section(newsletter=newsletter, position=len(sections), kind=kind)
    _set_values(section, title, topics, max_stories)
    if sections and _values_of(sections[-1]) == _values_of(section):
        return sections[-1]
    if len(sections) >= MOST:
        raise NewsletterError(f"A newsletter has {MOST} sections at most.")
    section.save()
    return section


def change(section: Section, title: str, topics: Iterable[str], max_stories: int) -> None:
    """Change what a section is called and holds; raise NewsletterError for what cannot be."""
    _set_values(section, title, topics, max_stories)
    section.save(update_fields=["title", "topics", "max_stories"])


@transaction.atomic
def move(section: Section, places: int) -> None:
    """Move a section down by so many places, up if negative; at most to the end."""
    sections = _locked_sections(section.newsletter)
    was = next(n for n, row in enumerate(sections) if row.pk == section.pk)
    sections.insert(max(0, was + places), sections.pop(was))
    _number(sections)


@transaction.atomic
def remove(section: Section) -> None:
    """Take a section out, and what was picked for it; the last one stays."""
    sections = _locked_sections(section.newsletter)
    if len(sections) < 2:
        raise NewsletterError("A newsletter has one section at least.")
    rest = [row for row in sections if row.pk != section.pk]
    section.delete()
    _number(rest)


def parse_topics(text: str) -> list[str]:
    """Read `Harbour, Weather`, or a topic in each line; each once."""
    topics = (topic.strip() for topic in text.replace("\n", ",").split(","))
    return list(dict.fromkeys(topic for topic in topics if topic))


def _locked_sections(newsletter: Newsletter) -> list[Section]:
    """Return the sections in order, while nobody else changes them."""
    Newsletter.objects.select_for_update().get(pk=newsletter.pk)
    return list(newsletter.sections.order_by("position"))


def _number(sections: list[Section]) -> None:
    """Give them places from 0 on; each is taken by nobody on the way there."""
    aside = max(section.position for section in sections) + 1
    for first in (aside, 0):
        for place, section in enumerate(sections, first):
            section.position = place
            section.save(update_fields=["position"])


def _set_values(section: Section, title: str, topics: Iterable[str], max_stories: int) -> None:
    tags = list(topics) if section.kind == Section.Kind.TOPIC else []
    title = checks.one_line(title, "section's title", LONGEST_TITLE)
    if section.kind not in Section.Kind.values:
        raise NewsletterError(f"{section.kind!r} is no kind of section.")
    if section.kind == Section.Kind.TOPIC and not tags:
        raise NewsletterError(f"The section {title!r} names no topic.")
    if any(len(topic) > LONGEST_TITLE or not topic.isprintable() for topic in tags):
        raise NewsletterError(f"A topic has {LONGEST_TITLE} characters at most, in one line.")
    if not 1 <= max_stories <= LARGEST:
        raise NewsletterError(f"A section takes 1 to {LARGEST} stories.")
    section.title, section.topics, section.max_stories = title, tags, max_stories


def _values_of(section: Section) -> tuple[str, str, list[str], int]:
    return section.kind, section.title, section.topics, section.max_stories
