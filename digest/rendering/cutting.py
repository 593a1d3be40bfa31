"""Cuts a rendered document at marks that the template set: where a part begins, where a slot is.

A mark is made of letters and digits around a random nonce, new for each document, so nothing that
an article says can be taken for one. In HTML the marks of parts stand in comments; they survive
inlining. A part reaches to the next part's mark.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal

from markupsafe import Markup

Kind = Literal["html", "text"]


@dataclass(frozen=True, slots=True)
class Part:
    """When what follows is shown."""

    stories: tuple[int, ...] | None = None
    mail_only: bool = False


ALWAYS = Part()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a document, not yet encoded, and the slot after it."""

    text: str
    slot: str
    part: Part


class Marks:
    """The marks of one document; `part` and `slot` are for its template to call."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.nonce = f"x{token_hex(16)}"
        self.parts: list[Part] = []

    def part(self, stories: Iterable[int] | None = None, *, mail_only: bool = False) -> str:
        """Mark the begin of a part: of these stories, or of all; perhaps only for mail."""
        self.parts.append(Part(None if stories is None else tuple(stories), mail_only))
        mark = f"{self.nonce}P{len(self.parts) - 1}Z"
        return Markup(f"<!--{mark}-->") if self.kind == "html" else mark  # noqa: S704  our own letters

    def slot(self, name: str) -> str:
        """Mark the place of something that differs by subscriber."""
        return f"{self.nonce}S{self.kind}_{name}Z"

    def cut(self, document: str) -> list[Piece]:
        """Return the document in pieces, without the marks."""
        return list(self._cut(document))

    def _cut(self, document: str) -> Iterator[Piece]:
        mark = re.compile(rf"(?:<!--)?{self.nonce}(?:P(\d+)|S([a-z_]+))Z(?:-->)?")
        part, at = ALWAYS, 0
        for found in mark.finditer(document):
            number, slot = found.groups()
            yield Piece(document[at : found.start()], slot or "", part)
            part = self.parts[int(number)] if number else part
            at = found.end()
        yield Piece(document[at:], "", part)
