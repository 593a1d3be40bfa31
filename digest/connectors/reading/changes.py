"""A change of one article, whatever system it was made in; and fields as strangers send them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import TextChoices

from digest.articles.parsing.base import Entry
from digest.core.text import one_line, printable, web_url

LONGEST_MARKUP = 500_000  # characters, as in the API
LONGEST_TEXT = 20_000
LONGEST_LINE = 300
MOST_TAGS = 50


class Action(TextChoices):
    """What happened to an article."""

    PUBLISH = "publish", "published"
    CORRECT = "correct", "corrected"
    RETRACT = "retract", "retracted"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an article; of a retracted one, `entry` has guid or url alone."""

    action: Action
    entry: Entry
    note: str = ""
    changed_at: datetime | None = None  # in the system; None if it does not say


def read_object(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def read_line(data: Mapping[str, Any], name: str, longest: int = LONGEST_LINE) -> str:
    """Return a field as one line of text; empty where it is none."""
    value = data.get(name)
    return one_line(value, longest) if isinstance(value, str) else ""


def read_markup(data: Mapping[str, Any], name: str, longest: int = LONGEST_MARKUP) -> str:
    """Return a field of text or HTML, without what cannot be stored."""
    value = data.get(name)
    return printable(value[:longest]) if isinstance(value, str) else ""


def read_url(data: Mapping[str, Any], name: str) -> str:
    """Return a field as a web address; empty where it is none."""
    value = data.get(name)
    return web_url(value) if isinstance(value, str) else ""


def read_moment(data: Mapping[str, Any], name: str) -> datetime | None:
    """Return a field as a moment in UTC (RFC 3339); None without a zone, or out of any calendar."""
    value = data.get(name)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None or not 1900 <= moment.year <= 2200:
        return None
    return moment.astimezone(UTC)


def read_lines(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, such as tags; once each, without empty ones."""
    values = value if isinstance(value, list) else []
    lines = (one_line(line, 200) for line in values[:MOST_TAGS] if isinstance(line, str))
    return tuple(dict.fromkeys(filter(None, lines)))
