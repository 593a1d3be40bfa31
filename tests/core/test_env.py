"""Settings that the environment gives a session of the database."""

import os

import psycopg
import pytest

from digest.cli import processes
from digest.core import env
from digest.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("statement", "lock", "expected"), [(0, 0, ("0", "0")), (60, 30, ("1min", "30s"))]
)
def test_sessions_have_the_limits_of_their_process(
    statement: int, lock: int, expected: tuple[str, str]
) -> None:
    """None where nothing was said: a migration takes as long as it takes."""
    url = os.environ["DIGEST_DATABASE_URL"]
    entry = env.database(url, statement_seconds=statement, lock_seconds=lock)
    options = {name: value for name, value in entry["OPTIONS"].items() if name == "options"}
    with psycopg.connect(url, **options) as connection:
        limits = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("statement_timeout", "lock_timeout")
        ]
    assert limits == [(value,) for value in expected]


def test_options_of_the_address_stay() -> None:
    """And win over ours."""
    entry = env.database(
        "postgresql:///digest?options=-c%20lock_timeout%3D5s", statement_seconds=60, lock_seconds=30
    )
    assert entry["OPTIONS"]["options"] == (
        "-c statement_timeout=60s -c lock_timeout=30s -c lock_timeout=5s"
    )


def test_each_process_has_limits_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is no limit, as PgBouncer may need; anything else is a number."""
    assert processes.environment("web")["DIGEST_STATEMENT_SECONDS"] == "60"
    assert processes.environment("worker")["PGAPPNAME"] == "digest worker"
    monkeypatch.setenv("DIGEST_STATEMENT_SECONDS", "0")
    assert env.seconds("DIGEST_STATEMENT_SECONDS") == 0
    monkeypatch.setenv("DIGEST_STATEMENT_SECONDS", "1min")
    with pytest.raises(ConfigurationError, match="whole number of seconds"):
        env.seconds("DIGEST_STATEMENT_SECONDS")
