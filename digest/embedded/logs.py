"""Log files of processes that we start: they must not fill the disk."""

import os
import shutil
from pathlib import Path

LARGEST = 5 * 1024 * 1024  # bytes


def shorten(log: Path, largest: int = LARGEST) -> None:
    """Keep `log` below `largest` bytes: what it holds moves to `NAME.1`, and it starts again.

    The file itself stays, because a running process goes on writing to it (opened for appending).
    On a full disk, which must not stop the mail, its lines are lost.
    """
    try:
        if log.stat().st_size <= largest:
            return
    except FileNotFoundError:
        return
    older = log.with_name(f"{log.name}.1")
    older.unlink(missing_ok=True)
    try:
        shutil.copy2(log, older)
    except OSError:
        older.unlink(missing_ok=True)
    os.truncate(log, 0)


def last_lines(log: Path, count: int = 12) -> list[str]:
    """Return the last lines of a log, as far as it can be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []
