"""A hit as the rules see it."""

from typing import NamedTuple

from digest.analytics.models import HitKind
from digest.analytics.verdicts.networks import NetworkClass


class Request(NamedTuple):
    """One request of a visitor."""

    at: float  # seconds since 1970, UTC
    kind: int  # HitKind
    link: int  # 0: an open
    network: str
    network_class: NetworkClass
    agent: str  # digest.analytics.verdicts.agents.Agent
    since_delivery: int | None = None  # seconds; negative: before it
    # Nobody is named, and the issue went out within the last hour: when this mail came is unknown.
    while_sending: bool = False

    @property
    def client(self) -> tuple[str, str]:
        """What tells clients of one subscriber apart."""
        return self.network, self.agent

    @property
    def is_open(self) -> bool:
        """Whether it fetched the pixel."""
        return self.kind == HitKind.OPEN
