"""Cut a rendered document at the marks of its template: where a part begins, and where a slot is.

A mark consists of letters and digits around a random nonce, new for each document, so no text of an
article can be mistaken for one. In HTML the marks of parts are in comments, which survive inlining.
A part ends where the next one begins. Tracked links (`digest.rendering.targets`) are marks as well.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal, get_args

from markupsafe import Markup, escape

from digest.rendering.compiled import SLOTS

Kind = Literal["html", "text"]
ShownIn = Literal["both", "mail", "web"]


@dataclass(frozen=True, slots=True)
class Part:
    """When the text after its mark is included."""

    keys: tuple[int, ...] | None = None  # with any of these; None: always
    shown_in: ShownIn = "both"


ALWAYS = Part()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a document, not yet encoded, and the slot after it."""

    text: str
    slot: str
    part: Part


class Marks:
    """The marks of one document; `part` and `slot` are for its template to call."""

    def __init__(
        self, kind: Kind, nonce: str = "", slots: Collection[str] | None = SLOTS.keys()
    ) -> None:
        self.kind = kind
        self.slots = slots  # the names that exist; None: any, as in a notice
        self.nonce = nonce or f"x{token_hex(16)}"
        self.parts: list[Part] = []

    def part(self, keys: Iterable[int] | None = None, shown_in: ShownIn = "both") -> str:
        """Mark the beginning of a part: with any of these keys, or always; in mail, web or both.

        A key is the position of a story, what `Block.key` says, or one of `variants`.
        """
        if shown_in not in get_args(ShownIn):
            raise ValueError(f"shown_in is {shown_in!r}; use both, mail or web")
        numbers = None if keys is None else tuple(keys)
        if not all(isinstance(key, int) for key in numbers or ()):
            raise TypeError("a key of a part is a number, as card.keys and block.keys are")
        self.parts.append(Part(numbers, shown_in))
        mark = f"{self.nonce}P{len(self.parts) - 1}Z"
        return Markup(f"<!--{mark}-->") if self.kind == "html" else mark  # noqa: S704  letters and digits only

    def slot(self, name: str) -> str:
        """Mark the place of a value that differs between subscribers."""
        if self.slots is not None and f"{self.kind}_{name}" not in self.slots:
            raise ValueError(f"there is no slot {name!r}")
        return f"{self.nonce}S{self.kind}_{name}Z"

    def cut(self, document: str, addresses: Sequence[str] = ()) -> list[Piece]:
        """Return the document in pieces, without the marks.

        `addresses` are those of the tracked links by number; a slot follows each.
        """
        return list(self._cut(document, addresses))

    def _cut(self, document: str, addresses: Sequence[str]) -> Iterator[Piece]:
        mark = re.compile(rf"(?:<!--)?{self.nonce}(?:P(\d+)|S([a-z_]+)|L(\d+))Z(?:-->)?")
        part, position = ALWAYS, 0
        for match in mark.finditer(document):
            number, slot, link = match.groups()
            text = document[position : match.start()]
            if link:
                address = addresses[int(link)]
                # Plain: Markup would escape the text before it.
                text += str(escape(address)) if self.kind == "html" else address
                slot = f"{self.kind}_click"
            yield Piece(text, slot or "", part)
            part = self.parts[int(number)] if number else part
            position = match.end()
        yield Piece(document[position:], "", part)
