"""The steps of an SMTP conversation, and the replies that each of them can get."""

from enum import Enum, auto


class Step(Enum):
    """What an awaited reply answers."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    END = auto()  # the final dot, or BDAT
    EMPTY = auto()  # a message to nobody, after a 354 that nothing else could end
    RSET = auto()


def can_answer(code: int, step: Step) -> bool:
    """Return whether a reply code can answer a step at all (RFC 5321 §4.3.2)."""
    if step is Step.EMPTY:
        return True
    if step is Step.RSET:
        return 200 <= code < 300
    success = code == 354 if step is Step.DATA else 200 <= code < 300
    return success or 400 <= code < 600
