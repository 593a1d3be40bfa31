"""What the child does with a mail or a file that may carry reports (digest.core.isolation)."""

import json
from collections.abc import Callable
from typing import Any

from digest.reputation.dmarc.message import attachments
from digest.reputation.dmarc.parsing import parse
from digest.reputation.dmarc.unpacking import unpack
from digest.reputation.errors import ReputationError


def warm_up() -> None:
    """Do nothing: what lxml imports late is imported with `parsing`."""


def read(body: bytes) -> bytes:
    """Return as JSON the reports of a mail or a file, and the problems of those not read."""
    answer: dict[str, list[Any]] = {"reports": [], "problems": []}
    for file in attachments(body):
        try:
            answer["reports"].append(parse(unpack(file)).as_json())
        except ReputationError as problem:
            answer["problems"].append(str(problem))
    return json.dumps(answer).encode()


PROBLEM = ReputationError
JOBS: dict[str, Callable[..., bytes]] = {"read": read}
