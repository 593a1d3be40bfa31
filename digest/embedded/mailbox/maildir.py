"""A Maildir: one file a mail, written whole or not at all.

Names begin with the time of arrival, so the newest mails are found without opening any. Ours add
`,S=size`, as Dovecot does. https://cr.yp.to/proto/maildir.html
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

from digest.embedded.errors import EmbeddedError

_NAME = re.compile(r"(\d{10})\.M(\d{6})P\d{1,10}Q\d{1,12}\.digest,S=(\d{1,12})", re.ASCII)
_arrivals = count(1)


class Entry(NamedTuple):
    """A mail in the folder, known by its file name."""

    key: str
    arrived_at: datetime  # UTC
    size: int  # octets

    @classmethod
    def of(cls, name: str) -> "Entry | None":
        """Return the entry that a file name stands for, or None for a file that is not ours."""
        match = _NAME.fullmatch(name)
        if not match:
            return None
        seconds, microseconds, size = map(int, match.groups())
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
        return cls(name, moment, size)


def create(folder: Path) -> None:
    """Make the folder and its three parts where they are missing, for the owner's eyes only."""
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def deliver(folder: Path, content: bytes) -> str:
    """Write a mail byte for byte, safe on the disk before this returns; return its key."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    number = next(_arrivals)
    name = f"{seconds:010}.M{nanoseconds // 1000:06}P{os.getpid()}Q{number}.digest,S={len(content)}"
    with (folder / "tmp" / name).open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    (folder / "tmp" / name).rename(folder / "new" / name)
    with _opened(folder / "new") as new:
        os.fsync(new)
    return name


def entries(folder: Path) -> list[Entry]:
    """Return every mail, newest first, without opening one; empty if there is no folder yet."""
    names = (name for part in ("new", "cur") for name in _names(folder / part))
    arrived = (entry for entry in map(Entry.of, names) if entry)
    return sorted(arrived, key=lambda entry: (entry.arrived_at, len(entry.key), entry.key))[::-1]


def read(folder: Path, key: str, limit: int = -1) -> bytes:
    """Return a mail's bytes, at most `limit` of them; raise EmbeddedError if there is none."""
    if Entry.of(key):
        for part in ("new", "cur"):
            try:
                with (folder / part / key).open("rb") as file:
                    return file.read(limit)
            except FileNotFoundError:
                continue
    raise EmbeddedError("There is no such mail in the mailbox.")


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  names are all we need
    except FileNotFoundError:
        return []


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
