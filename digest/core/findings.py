"""What a look at an installation finds: what is so, whether that is well, and what to do if not."""

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One answer."""

    level: Level
    summary: str
    advice: str = ""
    record: str = ""  # of DNS, to be copied


def ok(summary: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, summary)


def warn(summary: str, advice: str, record: str = "") -> Finding:
    """It works, but not as it should in production."""
    return Finding(Level.WARN, summary, advice, record)


def fail(summary: str, advice: str, record: str = "") -> Finding:
    """Mail won't go out, or must not."""
    return Finding(Level.FAIL, summary, advice, record)
