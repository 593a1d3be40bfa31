"""What a look at an installation finds: what is so, whether that is well, and what to do if not."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer."""

    level: Level
    what: str
    advice: str = ""


def ok(what: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, what)


def warn(what: str, advice: str) -> Finding:
    """It works, but not as it should in production."""
    return Finding(Level.WARN, what, advice)


def fail(what: str, advice: str) -> Finding:
    """Mail won't go out, or must not."""
    return Finding(Level.FAIL, what, advice)
