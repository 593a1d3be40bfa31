"""What the checks say: findings, each with the places that it is about, and what passed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MOST_NAMED = 5  # places in a sentence; all of them are in `places`


class Level(StrEnum):
    """How serious a finding is."""

    STOP = "stop"  # the issue must not be sent like this
    WARN = "warn"  # an editor should look
    INFO = "info"  # good to know


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding is: a part of the issue's page, and its name for an editor."""

    anchor: str  # `story-12`, `block-3`, `subject` or `preheader`; empty: not on the page
    label: str = ""
    story: int = 0  # the story's id, if it is a story
    detail: str = ""  # what is wrong there, where that differs by place


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to fix, once for all places of its kind."""

    check: str  # a key of CHECKS
    level: Level
    problem: str
    advice: str
    places: tuple[Place, ...] = ()
    fix: str = ""  # the field of a story that can be filled in beside the finding


@dataclass(frozen=True, slots=True)
class PassedCheck:
    """A check that found nothing, and how much it looked at."""

    check: str
    summary: str  # `24 checked`


@dataclass(slots=True)
class Results:
    """All that the checks say of one issue, in the order of the checks."""

    findings: list[Finding] = field(default_factory=list)
    passed: list[PassedCheck] = field(default_factory=list)

    def add(self, *entries: Finding | PassedCheck) -> None:
        """Add what a check says."""
        for entry in entries:
            if isinstance(entry, Finding):
                self.findings.append(entry)
            else:
                self.passed.append(entry)

    @property
    def most_serious_first(self) -> list[Finding]:
        """The findings, what stops the issue first."""
        return sorted(self.findings, key=lambda finding: _ORDER[finding.level])

    @property
    def is_ready(self) -> bool:
        """Say whether nothing stops the issue."""
        return all(finding.level is not Level.STOP for finding in self.findings)


_ORDER = {level: number for number, level in enumerate(Level)}
# The checks by their names, as people see them, in the order of the page.
CHECKS = {
    "stories": "Stories",
    "blocks": "Blocks",
    "pictures": "Pictures",
    "subject": "Subject",
    "dates": "Dates",
    "mail": "Mail",
    "accessibility": "Accessibility",
    "colours": "Colours",
    "sender": "Sender",
    "recipients": "Recipients",
    "timing": "Timing",
    "links": "Links",
    "logos": "Logos",
    "spam": "Spam",
}


def named(places: Sequence[Place]) -> str:
    """Return the labels of places as part of a sentence: `“Seals”, “Tides” and 3 more`."""
    listed = ", ".join(f"“{place.label}”" for place in places[:MOST_NAMED])
    more = len(places) - MOST_NAMED
    return f"{listed} and {more} more" if more > 0 else listed
