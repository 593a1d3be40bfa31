"""The checks of Valkey, the workers and beat."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from digest.core.findings import Level
from digest.doctor.checks import Check
from digest.doctor.services import check_beat, check_valkey, check_workers
from tests.cast import NOON, make_source
from tests.doctor.levels import worst_level

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("check", "changes", "level"),
    [
        (check_valkey, {}, Level.OK),
        (check_valkey, {"DIGEST_REDIS_URL": "redis://127.0.0.1:1"}, Level.FAIL),
        (check_valkey, {"DIGEST_REDIS_URL": "nonsense"}, Level.FAIL),
        (check_workers, {"DIGEST_BROKER_URL": "redis://127.0.0.1:1"}, Level.FAIL),
    ],
)
def test_a_service_answers_or_not(
    settings: Settings, check: Check, changes: dict[str, str], level: Level
) -> None:
    """An address that cannot be read counts as no answer."""
    for name, value in changes.items():
        setattr(settings, name, value)
    assert worst_level(check) is level


def test_beat_runs_if_no_source_is_overdue() -> None:
    """After a quarter of an hour without a poll nothing polls the source."""
    assert worst_level(check_beat) is Level.WARN
    source = make_source(next_poll_at=NOON - timedelta(minutes=14))
    assert worst_level(check_beat) is Level.OK
    source.next_poll_at = NOON - timedelta(minutes=16)
    source.save()
    assert worst_level(check_beat) is Level.FAIL
    source.gone_at = NOON
    source.save()
    assert worst_level(check_beat) is Level.WARN
