"""Settings that the environment gives a session of the database."""

import os
import sys
from pathlib import Path

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
    monkeypatch.setenv("DIGEST_STATEMENT_SECONDS", "")  # as Compose passes it on
    assert processes.environment("web")["DIGEST_STATEMENT_SECONDS"] == "60"
    monkeypatch.setenv("DIGEST_STATEMENT_SECONDS", "0")
    assert set(processes.environment("web")) == {"PGAPPNAME", "DIGEST_LOCK_SECONDS"}
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


@pytest.mark.parametrize("text", ["a week", "-1", "nan", "inf"])
def test_any_other_number_of_days_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Less than none would delete what was sent a moment ago."""
    monkeypatch.setenv("DIGEST_KEEP_DAYS", text)
    with pytest.raises(ConfigurationError, match="from 0 to 36,500"):
        env.days("DIGEST_KEEP_DAYS", "730")


def test_a_bucket_needs_its_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is said when a process starts, not with the first picture."""
    monkeypatch.setenv("DIGEST_PICTURES_BUCKET", "pictures")
    monkeypatch.setitem(sys.modules, "boto3", None)  # as where it is not installed
    with pytest.raises(ConfigurationError, match=r"digest-newsletter\[s3\].*requirements-extras"):
        env.pictures_storage(tmp_path)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("", ["localhost", "127.0.0.1", "[::1]", "digest.news.example"]),
        ("localhost, 10.0.0.7", ["localhost", "10.0.0.7", "digest.news.example"]),
        ("digest.news.example", ["digest.news.example"]),
    ],
)
def test_the_public_name_is_always_answered_to(
    monkeypatch: pytest.MonkeyPatch, listed: str, expected: list[str]
) -> None:
    """Links in mails lead there."""
    monkeypatch.setenv("DIGEST_ALLOWED_HOSTS", listed)
    assert env.hosts("DIGEST_ALLOWED_HOSTS", "https://Digest.news.example:8443") == expected
    assert env.hosts("DIGEST_ALLOWED_HOSTS", "http://[fd00::7]:8000")[-1] == "[fd00::7]"


@pytest.mark.parametrize(
    "url", ["digest.news.example", "https://", "ftp://a.example", "http://[::1"]
)
def test_a_public_address_is_one(url: str) -> None:
    """Every link in every mail begins with it."""
    with pytest.raises(ConfigurationError, match="DIGEST_BASE_URL"):
        env.hosts("DIGEST_ALLOWED_HOSTS", url)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://news.example/", "https://news.example"),
        ("https://münchen.example/post/", "https://xn--mnchen-3ya.example/post"),
        ("münchen.example", "münchen.example"),  # `hosts` refuses it
    ],
)
def test_the_public_address_fits_into_header_fields(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    """Else no mail could be composed."""
    monkeypatch.setenv("DIGEST_BASE_URL", value)
    assert env.web_address("DIGEST_BASE_URL", "") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("In.News.example", "in.news.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
    ],
)
def test_a_domain_of_mail_is_in_a_labels(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    """Envelope senders and mailto links need it so."""
    monkeypatch.setenv("DIGEST_BOUNCE_DOMAIN", value)
    assert env.domain("DIGEST_BOUNCE_DOMAIN") == expected


@pytest.mark.parametrize(
    "value", ["@in.example", "https://in.example", "in example", "in.example.", "ü" * 70]
)
def test_what_is_no_domain_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Not by each mail."""
    monkeypatch.setenv("DIGEST_BOUNCE_DOMAIN", value)
    with pytest.raises(ConfigurationError, match="DIGEST_BOUNCE_DOMAIN"):
        env.domain("DIGEST_BOUNCE_DOMAIN")


def test_what_a_running_digest_up_says_fills_in_what_is_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A variable without a value counts as not set; one with a value wins."""
    monkeypatch.setenv("DIGEST_SMTP_URL", "")
    monkeypatch.setenv("DIGEST_BASE_URL", "https://news.example")
    (tmp_path / env.RUNTIME_FILE).write_text("DIGEST_SMTP_URL=smtp://a\nDIGEST_BASE_URL=http://b\n")
    assert env.load_runtime_file(tmp_path)
    assert os.environ["DIGEST_SMTP_URL"] == "smtp://a"
    assert os.environ["DIGEST_BASE_URL"] == "https://news.example"
