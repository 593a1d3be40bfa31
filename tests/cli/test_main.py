"""The console entry: overview, services, exit status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from urllib.parse import urlsplit

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from digest import __version__
from digest.cli.main import OVERVIEW
from tests.cli.conftest import Digest
from tests.scripts import run_script

DIGEST = str(Path(sys.executable).with_name("digest"))


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real console in a folder, in an environment that names no services."""
    environment_kept = {
        name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")
    }
    return subprocess.run(
        [DIGEST, *arguments],
        cwd=cwd,
        env=environment_kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_without_a_command_it_lists_ours(tmp_path: Path, arguments: list[str]) -> None:
    """Each command in a line, none of Django's, and no service needed."""
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 0
    for commands in OVERVIEW.values():
        for name, line in commands.items():
            assert f"  {name:<12}{line}" in result.stdout
    assert "makemigrations" not in result.stdout


def test_it_tells_its_version(tmp_path: Path) -> None:
    """And nothing else."""
    assert run("--version", cwd=tmp_path).stdout == f"digest {__version__}\n"


def test_every_command_of_ours_is_in_the_overview_and_tells_its_help() -> None:
    """A command that nobody finds might as well not be there."""
    listed = {name for commands in OVERVIEW.values() for name in commands}
    our_commands = {
        name: package for name, package in get_commands().items() if package.startswith("digest.")
    }
    assert set(our_commands) == listed - {"up", "mcp"}  # entry points
    for name, package in our_commands.items():
        parser = load_command_class(package, name).create_parser("digest", name)
        assert parser.description
        assert "--pythonpath" not in parser.format_help() or name == "migrate"


@pytest.mark.parametrize(
    "arguments", [["send", "--help"], ["newsletter", "add", "--help"], ["up", "--help"]]
)
def test_help_needs_no_services(tmp_path: Path, arguments: list[str]) -> None:
    """A person reads first and installs then."""
    result = run(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "usage: digest" in result.stdout


def test_without_services_a_line_says_how_to_get_them(tmp_path: Path) -> None:
    """Exit status 1; with --json the error is JSON on standard output."""
    result = run("newsletter", "list", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("digest: No database is set. Start everything with `digest up`")
    result = run("newsletter", "list", "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert "No database" in json.loads(result.stdout)["error"]


def test_an_unknown_command_is_not_understood(tmp_path: Path) -> None:
    """Exit status 2, and a guess at what was meant."""
    result = run("newsleter", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Did you mean `digest newsletter`?" in result.stderr


def test_an_incomplete_environment_is_named(tmp_path: Path) -> None:
    """The variable that is missing, in one line."""
    result = run("newsletter", "list", cwd=tmp_path, DIGEST_DATABASE_URL="postgresql:///x")
    assert result.returncode == 1
    assert "DIGEST_SECRET_KEY is not set" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("key", "starts"),
    [
        ("short", False),
        ("k7" * 15 + "k", False),
        ("a" * 64, False),
        ("0123456789abcdef" * 2, True),
        (" " * 20 + "0123456789abcdef", False),
    ],
)
@pytest.mark.parametrize("name", ["DIGEST_SECRET_KEY", "DIGEST_SECRET_KEY_FALLBACKS"])
def test_a_key_that_can_be_guessed_does_not_start(
    tmp_path: Path, name: str, key: str, *, starts: bool
) -> None:
    """And the error says how to make one; it does not repeat the key."""
    services = {
        "DIGEST_DATABASE_URL": "postgresql://digest@127.0.0.1:1/digest",
        "DIGEST_REDIS_URL": "redis://127.0.0.1:1",
        "DIGEST_SECRET_KEY": os.environ["DIGEST_SECRET_KEY"],
    }
    result = run("newsletter", "list", cwd=tmp_path, **services | {name: key})
    assert result.returncode == 1
    assert ("secrets.token_urlsafe(48)" not in result.stderr) is starts
    assert ("PostgreSQL cannot be reached" in result.stderr) is starts
    assert key not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [["newsletter", "list"], ["migrate"]])
def test_an_unreachable_database_is_said_in_words(tmp_path: Path, command: list[str]) -> None:
    """What a stale `digest up` leaves behind is not a traceback."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "up.env").write_text(
        "DIGEST_DATABASE_URL=postgresql://digest@127.0.0.1:1/digest\n"
        f"DIGEST_REDIS_URL=redis://127.0.0.1:1\nDIGEST_SECRET_KEY={os.environ['DIGEST_SECRET_KEY']}\n"
    )
    result = run(*command, cwd=tmp_path)
    assert result.returncode == 1
    assert "PostgreSQL cannot be reached" in result.stderr
    assert "digest up" in result.stderr
    assert "Traceback" not in result.stderr


def test_services_are_found_through_a_running_up(tmp_path: Path) -> None:
    """A second terminal needs no settings; an empty database asks to be migrated."""
    names = ("DIGEST_DATABASE_URL", "DIGEST_REDIS_URL", "DIGEST_SECRET_KEY")
    lines = [f"{name}={os.environ[name]}\n" for name in names]
    (tmp_path / "up.env").write_text("".join(lines))
    result = run("newsletter", "list", cwd=tmp_path, DIGEST_DATA_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "Run `digest migrate` first." in result.stderr


def test_a_subscriber_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """`digest … | head -0` ends quietly."""
    command = subprocess.Popen(
        [DIGEST, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert command.stdout
    assert command.stderr
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait() == 128 + signal.SIGPIPE


def test_an_interruption_ends_quietly(digest: Digest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is not an error to explain."""

    def interrupted(_self: object, _options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("digest.core.terminal.ActionCommand.run", interrupted)
    assert digest("newsletter", "list") == (130, "", "")


@pytest.mark.parametrize(
    "arguments",
    [["newsletter"], ["newsletter", "fly"], ["web", "--port", "0"], ["suppress", "a@r.example"]],
)
def test_bad_usage_exits_with_2(digest: Digest, arguments: list[str]) -> None:
    """The usage line stands on standard error."""
    result = digest(*arguments)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("usage: digest")


@pytest.mark.django_db
def test_migrating_an_up_to_date_database_says_so(digest: Digest) -> None:
    """One line, or one document."""
    assert digest("migrate").out == "The database is up to date.\n"
    assert digest("migrate", "--json").json == {"migrated": []}


@pytest.mark.django_db
def test_migrate_says_whether_it_is_needed_and_what_it_would_do(digest: Digest) -> None:
    """Exit status 1 where it is; the plan names tables, whom it blocks, and a time."""
    assert digest("migrate", "--check").out == "The database is up to date.\n"
    assert "Nothing to do" in digest("migrate", "--plan").out
    MigrationRecorder(connection).record_unapplied("webhooks", "0001_initial")
    result = digest("migrate", "--check")
    assert result.status == 1
    assert "older than this code (webhooks.0001_initial). Run `digest migrate`" in result.err
    [migration] = digest("migrate", "--plan", "--json").json
    assert migration["name"] == "webhooks.0001_initial"
    indexes = [step for step in migration["steps"] if step["sql"].startswith("CREATE INDEX")]
    assert {step["table"] for step in indexes} == {"webhooks_webhook", "webhooks_webhookdelivery"}
    out = digest("migrate", "--plan").out
    assert "1 migration, about" in out
    assert "webhooks_webhookdelivery" in out


@pytest.mark.django_db(transaction=True)
def test_two_migrations_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Two containers that start together: one migrates, the other one has nothing left to do."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE digest_twice")
    url = os.environ["DIGEST_DATABASE_URL"]
    name = urlsplit(url).path
    variables = dict(os.environ) | {
        "DIGEST_DATABASE_URL": url.replace(f"{name}?", "/digest_twice?"),
        "DIGEST_DATA_DIR": str(tmp_path),
    }
    try:
        processes = [
            subprocess.Popen(
                [DIGEST, "migrate"], env=variables, stdout=PIPE, stderr=PIPE, text=True
            )
            for _ in range(2)
        ]
        results = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], results
        outputs = sorted(output for output, _errors in results)
        assert outputs[1] == "The database is up to date.\n"
        assert "migrations run" in outputs[0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE digest_twice WITH (FORCE)")


@pytest.mark.django_db
@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_a_process_does_not_start_on_a_newer_schema(digest: Digest, process: str) -> None:
    """It says so in one line, instead of failing in the middle of its work."""
    MigrationRecorder(connection).record_applied("sending", "0099_from_tomorrow")
    refusal = digest(process)
    assert refusal.status == 1
    assert "newer than this code" in refusal.err
    assert "Install the version" in refusal.err


def test_sessions_of_the_database_have_the_name_of_their_command(tmp_path: Path) -> None:
    """pg_stat_activity shows which process a query is of."""
    script = """
from digest.cli.main import main
main(["token", "list"])
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW application_name")
    print(cursor.fetchone()[0])
"""
    output = run_script(script, without="PGAPPNAME", DIGEST_DATA_DIR=str(tmp_path))
    assert output.endswith("digest token\n")
