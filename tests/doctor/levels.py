"""What the tests of the checks share."""

from digest.core.findings import Level
from digest.doctor.checks import Check
from tests.cast import NOON

Zone = dict[str, list[str]]  # TXT records by name


def worst_level(check: Check) -> Level:
    """Return the gravest level among a check's findings at noon."""
    return max((finding.level for finding in check(NOON)), key=["ok", "warn", "fail"].index)
