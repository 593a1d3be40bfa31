"""The files of the log: `evidence/2026-11-30.log` in the data folder, one JSON object a line."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any

from django.conf import settings

KEPT_DAYS = 100  # older than any backup that somebody would restore
SUFFIX = ".log"


def append(entries: Iterable[dict[str, Any]], now: datetime) -> None:
    """Add entries, all or none, and wait until they are on the disk. Raises OSError."""
    lines = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    if not lines:
        return
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder() / f"{now.astimezone(UTC):%Y-%m-%d}{SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        end = file.tell()
        try:
            _write(file, lines.encode())
            os.fsync(file.fileno())
        except OSError:
            os.truncate(file.fileno(), end)  # a full disk may have taken a part of it
            raise
    _sync_folder()  # the first entry of a day makes a file


def entries_since(moment: datetime) -> Iterator[dict[str, Any]]:
    """Yield the entries from `moment` on, in their order; a line that is incomplete is left out."""
    for path in sorted(folder().glob(f"*{SUFFIX}")):
        if (day := _day_of(path)) and day >= moment.astimezone(UTC).date() - timedelta(days=1):
            for line in path.read_text(errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    if datetime.fromisoformat(entry["at"]) >= moment:
                        yield entry


def delete_old(now: datetime) -> None:
    """Delete files that no backup needs any more."""
    oldest = now.astimezone(UTC).date() - timedelta(days=KEPT_DAYS)
    for path in folder().glob(f"*{SUFFIX}"):
        if (day := _day_of(path)) and day < oldest:
            path.unlink(missing_ok=True)


@contextmanager
def lock() -> Iterator[bool]:
    """Hold the log for this process; yields False where another one has it."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder() / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def folder() -> Path:
    """Return where the log is: a backup of the database does not change it."""
    return Path(settings.DIGEST_DATA_DIR) / "evidence"


def _write(file: FileIO, octets: bytes) -> None:
    """Write all of it: a disk that fills up takes a part, and says so to the next write only."""
    while octets:
        octets = octets[file.write(octets) or 0 :]


def _sync_folder() -> None:
    descriptor = os.open(folder(), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _day_of(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.stem)
    except ValueError:
        return None
