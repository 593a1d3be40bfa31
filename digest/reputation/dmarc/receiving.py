"""Takes a mail or a file that carries DMARC reports: read in a child process, then stored."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from digest.core.isolation import Isolation, KilledError, UnavailableError, UnreadableError
from digest.core.isolation.process import Limits
from digest.reputation.dmarc import storing
from digest.reputation.errors import ReputationError

CHILD = Isolation("digest.reputation.dmarc.jobs", Limits(cpu_seconds=20, max_children=1))
LARGEST = 20_000_000  # bytes of a mail or a file

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class ReceiveResult:
    """What followed from a mail or a file."""

    stored: int = 0
    repeated: int = 0  # reports that were stored before
    foreign: int = 0  # of domains that are not ours
    problems: list[str] = field(default_factory=list)

    @property
    def reports(self) -> int:
        """How many reports could be read."""
        return self.stored + self.repeated + self.foreign


def receive(content: bytes, now: datetime) -> ReceiveResult:
    """Store the reports of a mail or a file. Never raises for what it holds.

    Raises UnavailableError where no child can be started now.
    """
    received = ReceiveResult()
    try:
        answer = _read(content)
    except (UnreadableError, KilledError, ReputationError) as problem:
        received.problems.append(str(problem))
        return received
    received.problems += answer["problems"]
    for report in answer["reports"]:
        outcome = storing.store(report, now)
        received.stored += outcome == storing.Outcome.STORED
        received.repeated += outcome == storing.Outcome.REPEATED
        received.foreign += outcome == storing.Outcome.FOREIGN
        if outcome == storing.Outcome.TOO_MANY:
            received.problems.append("Too many reports about this domain came within a day.")
        elif outcome == storing.Outcome.UNFIT:
            received.problems.append("The report has values that cannot be stored.")
    log.info(
        "DMARC reports received",
        stored=received.stored,
        repeated=received.repeated,
        foreign=received.foreign,
        problems=received.problems[:3],
    )
    return received


def _read(content: bytes) -> dict[str, list[Any]]:
    if len(content) > LARGEST:
        raise ReputationError(f"This is larger than {LARGEST // 1_000_000} MB.")
    answer: dict[str, list[Any]] = json.loads(CHILD.run("read", content))
    return answer


__all__ = ["ReceiveResult", "UnavailableError", "receive"]
