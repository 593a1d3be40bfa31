"""Signals are noted where they come and acted upon where it is safe."""

import os
import signal
from collections.abc import Iterator

import pytest

from digest.embedded.signals import STOPS, StopSignals


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Signals as they are in a terminal: what starts the tests may ignore some."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in STOPS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_is_acted_upon_at_the_next_check(number: signal.Signals) -> None:
    """Not before: it may come between taking a lock and giving it back."""
    with StopSignals() as signals:
        signals.check()
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            signals.check()
        assert not signals.hurry()


def test_a_second_signal_says_hurry_and_interrupts_nothing() -> None:
    """Tidying up calls no check, so it always runs to its end."""
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.hurry()


def test_the_end_of_the_terminal_is_ignored_under_nohup() -> None:
    """Who starts it so wants it to run on."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            signals.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_afterwards_signals_do_what_they_did_before() -> None:
    """The handlers of others are put back."""
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
