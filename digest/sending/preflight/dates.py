"""Checks of dates in texts: what lay ahead when it was written and has passed when it is read."""

from collections.abc import Iterator
from datetime import date, timedelta

from digest.core import clock, rich_text
from digest.core.text import counted
from digest.issues.models import Block, Story
from digest.sending.preflight.material import Material, document_of, place_of, place_of_block
from digest.sending.preflight.mentioned_dates import dates_in, relative_words
from digest.sending.preflight.results import Finding, Level, PassedCheck, Place

CHECK = "dates"
RECENT = timedelta(days=14)  # in a text without a date of its own, older dates are history


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield the stories whose texts are out of date on the day of sending."""
    findings = [*_passed_dates(material), *_recent_dates(material), *_stale_words(material)]
    yield from findings
    if material.stories and not findings:
        yield PassedCheck(CHECK, "no date in the texts has passed")


def _passed_dates(material: Material) -> Iterator[Finding]:
    dated = [(place_of(row), passed_dates(row, material)) for row in material.stories]
    phrases = [(place, phrase) for place, names in dated for phrase in names]
    if phrases:
        listed = ", ".join(dict.fromkeys(phrase for _, phrase in phrases))
        text = f"{_name(phrases)} a date that has passed by the time of sending: {listed}."
        yield _finding(Level.WARN, text, "Change the text, or remove the story.", phrases)


def _recent_dates(material: Material) -> Iterator[Finding]:
    """Name dates just before the day of sending in texts of blocks, which have no date of theirs.

    They may be news, or the rest of an earlier issue.
    """
    day = material.sending_day
    phrases = [
        (place_of_block(block), phrase)
        for block in material.blocks
        for phrase, named in dates_in(_block_text(block), material.language, day)
        if day - RECENT <= named < day
    ]
    if phrases:
        listed = ", ".join(dict.fromkeys(phrase for _, phrase in phrases))
        text = f"{_name(phrases)} a date that has passed: {listed}."
        yield _finding(Level.INFO, text, "Check that it is meant as the past.", phrases)


def _block_text(block: Block) -> str:
    """Return what a block says, besides its stories."""
    document = document_of(block)
    lines = [rich_text.plain_text(document)] if document else []
    lines += [block.content.get(name, "") for name in ("title", "description", "question")]
    if block.appeal:
        lines += [block.appeal.heading, block.appeal.body]
    return "\n".join(lines)


def _stale_words(material: Material) -> Iterator[Finding]:
    phrases = [
        (place_of(story), phrase)
        for story in material.stories
        if (written := written_on(story, material)) and written < material.sending_day
        for phrase in relative_words(_text(story), material.language)
    ]
    if phrases:
        listed = ", ".join(f"“{phrase}”" for phrase in dict.fromkeys(row[1] for row in phrases))
        text = f"{_name(phrases)} {listed}, and is sent on a later day than it was published."
        yield _finding(Level.INFO, text, "Check that readers take it for the right day.", phrases)


def passed_dates(story: Story, material: Material) -> list[str]:
    """Return the dates, as written, that lay ahead when a story was published and do not now."""
    written = written_on(story, material)
    if written is None:
        return []
    dates = dates_in(_text(story), material.language, written)
    return [phrase for phrase, day in dates if written < day < material.sending_day]


def written_on(story: Story, material: Material) -> date | None:
    """Return the day on which a story was published, in the publication's zone."""
    zone = clock.zone(material.publication.timezone)
    return story.published_at.astimezone(zone).date() if story.published_at else None


def _text(story: Story) -> str:
    return f"{story.title}\n{story.summary}"


def _name(phrases: list[tuple[Place, str]]) -> str:
    number = len({place for place, _ in phrases})
    return f"{counted(number, 'text')} {'names' if number == 1 else 'name'}"


def _finding(level: Level, text: str, advice: str, phrases: list[tuple[Place, str]]) -> Finding:
    places = tuple(dict.fromkeys(place for place, _ in phrases))
    return Finding(CHECK, level, text, advice, places)
