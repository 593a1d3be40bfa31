"""A relay that does everything that relays do to us, at once: every delivery ends correctly."""

import random
import time
from collections import Counter
from itertools import count

import pytest
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.issues.models import Issue
from digest.relays.models import Relay
from digest.sending import sender, sweeping
from digest.sending.models import Delivery
from digest.sending.progress import balance, progress
from tests.cast import LONG_AGO, make_running
from tests.sending.test_sending import StartRelay
from tests.smtp_server import CLOSE

SUBSCRIBERS = 300
State = Delivery.State


class Weather:
    """What the relay replies, by the subscriber; sometimes it closes the connection or stalls."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.fates: dict[str, str] = {}
        self.calm = False
        self.happened: Counter[str] = Counter()
        self.rcpts, self.ends = count(1), count(1)

    def fate(self, address: str) -> str:
        """Return what happens to a subscriber's mail in the end; drawn once."""
        fates = ["later"] * 10 + ["never"] * 3 + ["at once"] * 17  # a third, a tenth
        return self.fates.setdefault(address, self.chance.choice(fates))

    def rcpt(self, address: str) -> str | None:
        """Defer a third, refuse a tenth, sometimes close or stall."""
        fate = self.fate(address)
        if fate == "never":
            return "550 5.1.1 nobody of that name"
        if fate == "later" and not self.calm:
            return self.chance.choice(["451 4.3.0 later", "450 4.2.0 greylisted", "452 4.2.2 full"])
        return self._fault(
            next(self.rcpts), {CLOSE: 61, "stall": 67, "421 4.3.2 shutting down": 71}
        )

    def end(self, address: str) -> str | None:
        """Sometimes close, stall, or defer after the message."""
        return self._fault(next(self.ends), {CLOSE: 37, "stall": 67, "451 4.3.0 later": 41})

    def _fault(self, number: int, every: dict[str, int]) -> str | None:
        """Return what happens to a command by its number, so that everything does happen."""
        if self.calm:
            return None
        for event, interval in every.items():
            if number % interval == 0:
                self.happened[event] += 1
                if event != "stall":
                    return event
                time.sleep(0.3)
        return None


@pytest.mark.django_db
def test_every_delivery_ends_correctly(relay: StartRelay, settings: Settings) -> None:
    """Sent, or failed by the relay's reply; a mail that came twice was uncertain before."""
    settings.DIGEST_SEND_SECONDS = 3
    weather = Weather(seed=1047)
    server = relay({"rcpt": weather.rcpt, "end": weather.end})
    issue = make_running(SUBSCRIBERS)
    for turn in range(40):
        weather.calm = turn > 20
        Relay.objects.update(retry_at=None)
        Delivery.objects.filter(state__in=[0, 2]).update(due_at=LONG_AGO)
        sender.send_due()
        if sweeping.sweep(clock.now()).finished:
            break
    issue.refresh_from_db()
    assert issue.state == Issue.State.SENT
    counts = Counter(server.recipients)
    rows = Delivery.objects.values_list("subscriber__email", "state", "times_uncertain")
    for email, state, times_uncertain in rows:
        if weather.fate(email) == "never":
            assert (state, counts[email]) == (State.FAILED, 0)
        else:
            assert state == State.SENT
            assert 1 <= counts[email] <= 1 + times_uncertain
    counted = progress(issue)
    assert counted == balance(issue)
    assert counted.sent + counted.failed == SUBSCRIBERS
    assert set(weather.happened) >= {CLOSE, "stall", "421 4.3.2 shutting down", "451 4.3.0 later"}
