"""One run: a send, and someone with a grudge."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.chaos.bouncing import Bouncing
from tests.chaos.house import CONNECTIONS, LEASE, PROCESSES, House, wait_for

FROZEN = "worker frozen beyond its lease"
STATES = "SELECT state, count(*) FROM sending_anydelivery GROUP BY state"
TALLY = """
SELECT state, sum(deliveries)::bigint FROM sending_tally GROUP BY state HAVING sum(deliveries) <> 0
"""


@dataclass
class Report:
    """What came of it."""

    subscribers: int
    events: list[str] = field(default_factory=list)
    foreseen: int = 0  # repeats that the kills may cause: connections in flight at each
    lost: int = 0
    repeats: int = 0
    surprises: list[str] = field(default_factory=list)  # repeats that were not uncertain before
    uncertain: int = 0
    slowest: float = 0.0  # seconds from an event to the next accepted message
    seconds: float = 0.0
    states: Mapping[int, int] = field(default_factory=dict)
    tally: Mapping[int, int] = field(default_factory=dict)
    bouncing: Bouncing | None = None  # where the relay refuses and defers some

    @property
    def good(self) -> bool:
        """Nobody lost, no repeat a surprise, the balance holds, what bounced was understood."""
        return (
            not self.lost
            and (self.bouncing is None or self.bouncing.good)
            and not self.surprises
            and self.repeats <= self.foreseen
            and self.states == self.tally
            and sum(self.states.values()) == self.subscribers
        )

    def __str__(self) -> str:
        counted = ", ".join(f"{count} times {name}" for name, count in Counter(self.events).items())
        return (
            f"{self.subscribers:,} subscribers in {self.seconds:.0f} s; {len(self.events)} events: "
            f"{counted}\n"
            f"lost {self.lost}; repeats {self.repeats} (at most {self.foreseen} foreseeable), "
            f"of them not uncertain before: {len(self.surprises)}; rows ever uncertain "
            f"{self.uncertain}\n"
            f"slowest recovery {self.slowest:.1f} s; states {dict(self.states)}, "
            f"tally {dict(self.tally)}" + (f"\n{self.bouncing}" if self.bouncing else "")
        )


def run(
    folder: Path,
    subscribers: int,
    seed: int,
    pause: tuple[float, float],
    *,
    most: int = 10_000,
    freeze: bool = True,
    bouncing: Bouncing | None = None,
) -> Report:
    """Send to so many subscribers; something befalls the house every `pause` seconds, `most` times.

    Without `freeze` no worker is held beyond its lease, which takes a while. `bouncing`: how many
    the relay refuses and defers.
    """
    dice, report = random.Random(seed), Report(subscribers, bouncing=bouncing)
    house = House(folder, tick=2, bouncing=bouncing.shares if bouncing else None)
    faults = _faults(house, dice)
    if not freeze:
        del faults[FROZEN]
    try:
        house.set_stage(subscribers)
        house.open()
        wait_for(lambda: house.accepted.stat().st_size > 0, 60, "the first mail")
        start = time.monotonic()
        deck: list[str] = []
        while not house.is_over() and len(report.events) < most:
            time.sleep(dice.uniform(*pause))
            _pass_time(house, report)
            deck = deck or dice.sample(sorted(faults), len(faults))
            _inflict(house, deck.pop(), faults, report)
        wait_for(lambda: _ends(house, report), 900, "the end")
        report.seconds = time.monotonic() - start
        wait_for(lambda: _heal(house) and house.is_settled(), 120, "refusals to be settled")
        _count(house, report)
    finally:
        house.close()
    return report


def _inflict(
    house: House, name: str, faults: Mapping[str, tuple[int, Callable[[], None]]], report: Report
) -> None:
    """Let something happen, bring the house back up, and see how long nothing moved."""
    repeats, inflict = faults[name]
    inflict()
    report.events.append(name)
    report.foreseen += repeats
    at, size = time.monotonic(), house.accepted.stat().st_size
    house.open()
    with suppress(TimeoutError):
        wait_for(lambda: _moves(house, report, size), 120, "recovery")
    report.slowest = max(report.slowest, time.monotonic() - at)


def _moves(house: House, report: Report, size: int) -> bool:
    _pass_time(house, report)
    return house.accepted.stat().st_size > size or _heal(house)


def _faults(house: House, dice: random.Random) -> dict[str, tuple[int, Callable[[], None]]]:
    """Return what may happen, with how many messages may be in flight then."""

    def kill_child() -> None:
        if children := house.children():
            with suppress(psutil.Error):
                dice.choice(children).kill()

    def freeze() -> None:
        if children := house.children():
            frozen = dice.choice(children)
            with suppress(psutil.Error):
                frozen.send_signal(signal.SIGSTOP)
                time.sleep(1.5 * LEASE)
                frozen.send_signal(signal.SIGCONT)

    def end_sink(number: signal.Signals) -> Callable[[], None]:
        def end() -> None:
            house.processes["sink"].send_signal(number)
            with suppress(Exception):
                house.processes["sink"].wait(5)
            house.kill("sink")

        return end

    connections = CONNECTIONS * PROCESSES
    return {
        "worker child killed": (CONNECTIONS, kill_child),
        "worker killed": (connections, lambda: house.kill("worker")),
        FROZEN: (CONNECTIONS, freeze),
        "beat killed": (0, lambda: house.kill("beat")),
        "PostgreSQL killed": (0, house.kill_postgres),
        "Valkey killed": (0, house.kill_valkey),
        "Valkey flushed": (0, house.flush),
        "relay killed before its sync": (connections, end_sink(signal.SIGUSR1)),
        "relay killed after its sync": (connections, end_sink(signal.SIGUSR2)),
    }


def _pass_time(house: House, report: Report) -> None:
    if report.bouncing:
        report.bouncing.paused.update(house.pass_time())


def _ends(house: House, report: Report) -> bool:
    _pass_time(house, report)
    return _heal(house)


def _heal(house: House) -> bool:
    house.open()
    return house.is_over()


def _count(house: House, report: Report) -> None:
    rows = house.query(
        "SELECT subscriber.email, delivery.times FROM ("
        "SELECT subscriber_id, times_uncertain AS times FROM sending_delivery "
        "UNION ALL SELECT subscriber_id, 0 FROM sending_sentdelivery) AS delivery "
        "JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id"
    )
    uncertain = {str(email): int(str(count)) for email, count in rows}
    deliveries = Counter(house.recipients())
    expected = report.bouncing.arriving(uncertain) if report.bouncing else set(uncertain)
    report.lost = sum(1 for email in expected if not deliveries[email])
    report.repeats = sum(count - 1 for count in deliveries.values())
    report.surprises = [
        email for email, count in deliveries.items() if count - 1 > uncertain[email]
    ]
    report.uncertain = sum(1 for count in uncertain.values() if count)
    report.states = house.count(STATES)
    report.tally = house.count(TALLY)
    if report.bouncing:
        report.bouncing.check(house, uncertain, deliveries)
