"""One batch in a sender's hand: what of it waits, is offered, is begun, and what is known."""

from collections import deque
from dataclasses import dataclass, field

from digest.relays.retries import Outcome
from digest.sending.ledger import Batch, Row
from digest.sending.segmentation import Segmentation


@dataclass(slots=True)
class InFlight:
    """A batch in hand."""

    batch: Batch
    segmentation: Segmentation
    rows: deque[Row]  # not taken yet
    looked: float
    claimed: float
    stopped: bool = False
    offered: dict[int, Row] = field(default_factory=dict)  # to the transport, not begun
    begun: dict[int, Row] = field(default_factory=dict)  # the relay has its word
    denied: set[int] = field(default_factory=set)  # offered, and may not go any more
    words: list[tuple[int, Outcome]] = field(default_factory=list)  # not in the ledger yet

    @property
    def over(self) -> bool:
        """Nothing of it is left here."""
        return not (self.rows or self.offered or self.begun or self.words)

    def account(self, key: int) -> Row:
        """Take a row out of the transport's hands."""
        self.denied.discard(key)
        return self.offered.pop(key, None) or self.begun.pop(key)
