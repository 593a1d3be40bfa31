"""A short send in which everything is killed once; `make chaos` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.run import run

pytestmark = pytest.mark.journey


def test_nobody_is_lost_and_no_repeat_is_a_surprise(tmp_path: Path) -> None:
    """Kill -9 of workers, beat, Valkey, PostgreSQL and the relay; a flush; the balance holds."""
    report = run(tmp_path, subscribers=6_000, seed=8, pause=(0.2, 0.5), most=8, freeze=False)
    assert report.good, f"{report}\n{(tmp_path / 'log').read_text()[-3_000:]}"
    assert len(report.events) >= 4
    assert report.slowest < 60
