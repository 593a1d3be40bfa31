"""What a message that came back says."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from digest.bounces.reading.reasons import Reason


class Kind(StrEnum):
    """What a message that came back is."""

    BOUNCE = "bounce"
    DELAY = "delay"  # a server still tries
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"  # an absence note, or a challenge
    LETTER = "letter"  # what a person wrote, as far as one can tell
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Candidates for our signed tokens, not yet checked."""

    bounce: tuple[str, ...] = ()  # of envelope senders
    message_id: tuple[str, ...] = ()  # of Message-IDs and ENVIDs
    unsubscribe: tuple[str, ...] = ()  # of List-Unsubscribe


@dataclass(frozen=True, slots=True)
class Report:
    """A message that came back. All texts are a stranger's, single lines, and short."""

    kind: Kind
    reason: Reason = Reason.UNDEFINED
    permanent: bool = False
    status: str = ""  # RFC 3463
    code: int | None = None  # RFC 5321 §4.2
    text: str = ""  # the server's words
    recipient: str = ""  # the address that the report names
    reporter: str = ""  # the host that reports
    tokens: Tokens = Tokens()

    def with_tokens(self, tokens: Tokens) -> Self:
        """Return the report with the tokens in it."""
        return replace(self, tokens=tokens)
