"""Claiming batches for one sender: deliveries that are due and that its relay's limits allow.

which issues have something due > reserve with the relay's limits > claim > partition by the
recipients' domains > release what was reserved and is not needed
"""

import random
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from digest.core import clock
from digest.issues.experiments.variants import experiment_of
from digest.issues.models import Issue
from digest.relays import routes
from digest.relays.rate_limits import RateLimiter
from digest.rendering.errors import RenderingError
from digest.sending import control, ledger
from digest.sending.compiling import compiled_for
from digest.sending.experiments.assigning import split_of
from digest.sending.segmentation import Segmentation, segmentation_of
from digest.sending.sender import heartbeat
from digest.sending.sender.heartbeat import Heartbeat
from digest.sending.sender.in_flight import InFlight

SMALLEST, LARGEST = 50, 500  # deliveries in a batch
SECONDS = 1.0  # of work that a batch should be: little is in flight when a process ends
FRESH = 1.0  # seconds that the list of due issues is used


class DueIssues:
    """The issues that have something due, and their segmentation. One list serves many claims."""

    def __init__(self) -> None:
        self._issues: list[Issue] = []
        self._segmentations: dict[int, Segmentation] = {}
        self._loaded_at = float("-inf")

    def current(self, since: float | None = None) -> list[Issue]:
        """Return the issues, oldest slot first, as they were at `since` or later.

        `since` is a time.monotonic(); without it the list is at most a second old.
        """
        now = time.monotonic()
        if self._loaded_at < (now - FRESH if since is None else since):
            self._issues = list(ledger.due_issues(clock.now()))
            self._segmentations.clear()
            self._loaded_at = now
        return list(self._issues)

    def expire(self) -> None:
        """Query again next time: what was in flight may be due again."""
        self._loaded_at = float("-inf")

    def segment(self, issue: Issue) -> Segmentation | None:
        """Return the segmentation of an issue; None if it cannot be sent, which pauses it.

        It is as old as the list, but where something is tested: the rest is due at once when that
        is decided.
        """
        if segmentation := self._segmentations.get(issue.pk):
            return segmentation
        try:
            segmentation = segmentation_of(issue, compiled_for(issue))
        except RenderingError as problem:
            control.pause_with_reason(issue, f"It cannot be rendered: {problem}")
            return None
        if segmentation.problem:
            control.pause_with_reason(issue, segmentation.problem)
            return None
        if segmentation.experiment is None:
            self._segmentations[issue.pk] = segmentation
        return segmentation

    def discard(self, issue: Issue) -> None:
        """Skip an issue that has nothing to claim, until the next query."""
        self._issues.remove(issue)


@dataclass(slots=True)
class Claims:
    """Claims batches of issues whose senders are at `domains`, for one sending process.

    `leases` renews the claims; `journal` names the file of what is begun.
    """

    due: DueIssues
    domains: Collection[str]
    limiter: RateLimiter
    leases: Heartbeat
    journal: str
    _size: int = field(default=SMALLEST, init=False)
    _claimed_at: float | None = field(default=None, init=False)

    @property
    def can_be_ahead(self) -> bool:
        """Whether a batch may be claimed before it is needed: no limit is used up by that."""
        return not self.limiter.limits_messages

    def claim_batch(self) -> InFlight | None:
        """Claim another batch; None if nothing more is due, or the relay's limits allow no more.

        The batch may have no deliveries to send, if all that were claimed are suppressed or
        postponed. An issue that cannot be sent is paused.
        """
        self._adapt_size()
        if not self._issues():
            return None
        reserved = self.limiter.reserve(self._size)
        in_flight = self._claim_first(reserved) if reserved else None
        self.limiter.release(reserved - len(in_flight.waiting) if in_flight else reserved)
        return in_flight

    def _claim_first(self, limit: int) -> InFlight | None:
        """Claim from the first issue that has something for us.

        Where the list has none it is queried again: an issue may have been changed meanwhile.
        """
        for since in (None, time.monotonic()):
            for issue in self._issues(since):
                if (in_flight := self._claim(issue, limit)) is not None:
                    return in_flight
                self.due.discard(issue)
        return None

    def _issues(self, since: float | None = None) -> list[Issue]:
        """Return our issues in random order, so that a large one does not hold up a small one."""
        issues = [
            issue for issue in self.due.current(since) if sender_domain(issue) in self.domains
        ]
        random.shuffle(issues)
        return issues

    def _claim(self, issue: Issue, limit: int) -> InFlight | None:
        if (segmentation := self.due.segment(issue)) is None:
            return None
        leased_at = heartbeat.now()
        batch = ledger.claim(issue, limit, clock.now(), segmentation.audience, self.journal)
        if not batch.rows and not batch.suppressed:
            return None
        if batch.rows:
            self.leases.watch(batch.fence, leased_at)
        segmentation = _with_winner(segmentation, issue)
        sendable, postponed = self.limiter.partition(batch.rows)
        outcomes = [(row.id, outcome) for row, outcome in postponed]
        self._claimed_at = time.monotonic()
        return InFlight(
            batch, segmentation, deque(sendable), outcomes, self._claimed_at, self._claimed_at
        )

    def _adapt_size(self) -> None:
        """Double or halve the size if the last batch took much less or more than a second."""
        if self._claimed_at is None:
            return
        seconds = time.monotonic() - self._claimed_at
        if seconds < SECONDS / 2:
            self._size = min(LARGEST, self._size * 2)
        elif seconds > SECONDS:
            self._size = max(SMALLEST, self._size // 2)


def _with_winner(segmentation: Segmentation, issue: Issue) -> Segmentation:
    """Return a segmentation with the winner of its experiment, if that is decided by now.

    Those who wait for it are due from that moment, so a claim may have them although the
    segmentation is from before it.
    """
    if segmentation.experiment is None or segmentation.experiment.decided_at is not None:
        return segmentation
    experiment = experiment_of(issue)
    return replace(segmentation, experiment=experiment, split=split_of(experiment))


def sender_domain(issue: Issue) -> str:
    """Return the domain that an issue's mail comes from, as relays name it."""
    return routes.sender_domain(issue.newsletter.publication.sender_email)
