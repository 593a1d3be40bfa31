"""What must hold before anything is started: a folder of our own, a free port, room on the disk."""

import errno
import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.embedded.errors import EmbeddedError

ROOM = 200 * 1024 * 1024  # bytes; PostgreSQL alone begins with 40 MB
BACKLOG = 2048  # connections that wait while a process starts again; as many as gunicorn's own


def make_folder(data: Path) -> None:
    """Make the data folder, or raise EmbeddedError saying why that is not possible."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise EmbeddedError(f"Cannot use {data} for data: {cause.strerror}. See --data.") from cause
    if not os.access(data, os.W_OK | os.X_OK):
        raise EmbeddedError(f"Cannot write into {data}. Choose another folder with --data.")


@contextmanager
def held_alone(data: Path) -> Iterator[None]:
    """Hold the data folder for this process alone; the kernel lets go however the process ends."""
    with (data / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            raise EmbeddedError(
                f"`digest up` already runs on {data}. Stop it, or choose another with --data."
            ) from cause
        yield


def check_room(data: Path) -> None:
    """Raise EmbeddedError where the disk is nearly full."""
    free = shutil.disk_usage(data).free
    if free < ROOM:
        raise EmbeddedError(
            f"Only {free // 2**20} MB are free on the disk of {data}; {ROOM // 2**20} MB are "
            "needed. Free some, or choose another place with --data."
        )


def listen(host: str, port: int, option: str) -> socket.socket:
    """Return a socket that listens on `host`:`port`; port 0 means any that is free.

    It is to be inherited by the process that answers there. Whoever only looks whether a port is
    free may lose it before that process has it. Raises EmbeddedError where the port cannot be
    had; the message says that `option` chooses another.
    """
    try:
        return _listener(host, port)
    except OSError as cause:
        if cause.errno == errno.EADDRINUSE:
            reason = f"Port {port} is in use by another program"
        elif cause.errno == errno.EACCES:
            reason = f"Port {port} is reserved for the system's own services"
        else:
            raise EmbeddedError(f"Cannot listen on {host}, port {port}: {cause}.") from cause
        raise EmbeddedError(f"{reason}. Choose another with {option}.") from cause


def listen_anyway(host: str, preferred: int) -> socket.socket:
    """Return a socket that listens on `preferred` if that is free, otherwise on any port that is.

    To be inherited, as that of `listen`.
    """
    try:
        return _listener(host, preferred)
    except OSError:
        return _listener(host, 0)


def port_of(listener: socket.socket) -> int:
    """Return the port that a socket listens on."""
    return int(listener.getsockname()[1])


def secret_key(data: Path) -> str:
    """Return the key that signs links, made once and kept for its owner's eyes only."""
    path = data / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    key = path.read_text().strip()
    if not key:
        raise EmbeddedError(f"{path} is empty; restore it, or remove it to have a new one made.")
    return key


def keep_secret_key(data: Path, key: str) -> None:
    """Let `key` sign links from now on, unless the folder has one already."""
    path = data / "secret_key"
    if not path.exists():
        write_private(path, key)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # As servers do, it reuses addresses: a port whose last connections still fade counts as free.
    return socket.create_server(
        (host, port),
        family=family,
        backlog=BACKLOG,
        dualstack_ipv6=family is socket.AF_INET6 and socket.has_dualstack_ipv6(),
    )
