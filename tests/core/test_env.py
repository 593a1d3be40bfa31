"""Settings that the environment gives a session of the database."""

import os

import psycopg
import pytest
from django.conf import settings

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


def test_a_database_host_that_vanishes_is_noticed_within_a_lease() -> None:
    """The operating system alone would wait for 15 minutes. The address wins over our limits."""
    entry = env.database("postgresql://db.example/digest?keepalives_idle=60&connect_timeout=9")
    network = entry["OPTIONS"]
    assert (network["keepalives_idle"], network["connect_timeout"]) == ("60", "9")
    entry = env.database("postgresql://db.example/digest")
    network = entry["OPTIONS"]
    silence = network["keepalives_idle"] + (
        network["keepalives_interval"] * network["keepalives_count"]
    )
    assert 0 < silence < settings.DIGEST_LEASE_SECONDS / 2
    assert 0 < network["tcp_user_timeout"] / 1_000 <= settings.DIGEST_LEASE_SECONDS / 2
    with psycopg.connect(os.environ["DIGEST_DATABASE_URL"], **network) as connection:
        assert (
            connection.info.get_parameters().items()
            >= {name: str(value) for name, value in network.items()}.items()
        )


def test_each_process_has_limits_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 means no limit, as PgBouncer may need; anything else is a number."""
    assert processes.environment("web")["DIGEST_STATEMENT_SECONDS"] == "60"
    assert processes.environment("worker")["PGAPPNAME"] == "digest worker"
    monkeypatch.setenv("DIGEST_STATEMENT_SECONDS", "0")
    assert env.seconds("DIGEST_STATEMENT_SECONDS") == 0
    monkeypatch.setenv("DIGEST_STATEMENT_SECONDS", "1min")
    with pytest.raises(ConfigurationError, match="whole number of seconds"):
        env.seconds("DIGEST_STATEMENT_SECONDS")


@pytest.mark.parametrize(("text", "value"), [("", 0.1), ("0", 0.0), ("0.25", 0.25), ("1", 1.0)])
def test_a_share_is_read(monkeypatch: pytest.MonkeyPatch, text: str, value: float) -> None:
    """A number from 0 to 1; without one, the default."""
    monkeypatch.setenv("DIGEST_TRACES_SHARE", text)
    assert env.share("DIGEST_TRACES_SHARE", "0.1") == value


@pytest.mark.parametrize("text", ["ten", "10", "-0.1", "nan"])
def test_any_other_share_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With what is right."""
    monkeypatch.setenv("DIGEST_TRACES_SHARE", text)
    with pytest.raises(ConfigurationError, match="from 0 to 1"):
        env.share("DIGEST_TRACES_SHARE", "0.1")
