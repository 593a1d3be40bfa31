"""The fields of JSON that a stranger sends, each read as something that can be stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from digest.articles.parsing.base import Image
from digest.core.text import one_line, printable, web_url

LONGEST_MARKUP = 500_000  # characters, as in the API
LONGEST_TEXT = 20_000
LONGEST_LINE = 300
MOST_TAGS = 50


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object; a field that is missing, or of another type, is empty."""

    data: Mapping[str, Any]

    @classmethod
    def of(cls, value: object) -> Self:
        """Return the fields of a JSON object; none for anything else."""
        return cls(value if isinstance(value, Mapping) else {})

    def __bool__(self) -> bool:
        return bool(self.data)

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def fields(self, name: str) -> Self:
        """Return a field that is an object itself."""
        return self.of(self.data.get(name))

    def objects(self, name: str) -> list[Self]:
        """Return a field that is a list of objects."""
        values = self.data.get(name)
        return [self.of(value) for value in values] if isinstance(values, list) else []

    def text(self, name: str) -> str:
        """Return a field of text as it is."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def line(self, name: str, longest: int = LONGEST_LINE) -> str:
        """Return a field as one line of text."""
        return one_line(self.text(name), longest)

    def lines(self, name: str) -> tuple[str, ...]:
        """Return a field that is a list of texts, such as tags; once each, without empty ones."""
        values = self.data.get(name)
        return read_lines(values if isinstance(values, list) else [])

    def markup(self, name: str, longest: int = LONGEST_MARKUP) -> str:
        """Return a field of text or HTML, without what cannot be stored."""
        return printable(self.text(name)[:longest])

    def url(self, name: str) -> str:
        """Return a field as a web address."""
        return web_url(self.text(name))

    def image(self, url: str, alt: str, caption: str, credit: str = "") -> Image:
        """Return a picture by the names of its fields."""
        texts = self.markup(alt, LONGEST_TEXT), self.markup(caption, LONGEST_TEXT)
        return Image(self.url(url), *texts, self.line(credit))

    def moment(self, name: str) -> datetime | None:
        """Return a field as a moment in UTC (RFC 3339); None without a zone, or far away."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            return None
        if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
            return None
        return moment.astimezone(UTC)


def read_lines(values: list[Any]) -> tuple[str, ...]:
    """Return the texts of a list; once each, without empty ones."""
    lines = (one_line(line, 200) for line in values[:MOST_TAGS] if isinstance(line, str))
    return tuple(dict.fromkeys(filter(None, lines)))
