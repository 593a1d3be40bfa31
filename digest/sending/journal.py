"""The file of a sending process: what it is about to hand over, and what the relay replied.

One small file for each sending run, on the disk of the machine that sends:

    b 17                    delivery 17 is begun: its last octets are about to leave
    e 17 250 2.0.0 Ok       the relay's reply to it
    n 17                    it was not handed over after all

Each round of a transport is one write(2), so it outlives a kill -9 of its process, and costs
microseconds where a commit costs a millisecond. The ledger gets its contents in batches; once all
of it is there the file is deleted. Its process holds a lock on it: a journal without a lock belongs
to a dead process, and the sweep that finds it records it. A journal is not synced: after a power
loss or a kernel panic it may lack its last lines, or all of them. So its name says in which boot of
the machine it was written, and what an earlier one does not mention may have been sent all the
same. docs/decisions/0009 says what else was measured.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self
from uuid import uuid4

import psutil
from django.conf import settings

from digest.relays.transports.base import Reply

SUFFIX = ".journal"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random(4): the same until the next boot


@dataclass(frozen=True, slots=True)
class Entry:
    """What a journal says last about one delivery."""

    begun: bool  # handed over, or about to be
    reply: Reply | None = None


class Journal:
    """An open journal of this process. It remains on exit unless `done` was called."""

    def __init__(self) -> None:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = f"{_boot()}-{uuid4().hex}"
        self._path = _path(self.name)
        self._size = 0  # bytes that were written whole
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        # Locked before it gets its name: a visible journal without a lock is of a dead process.
        unnamed = self._path.with_suffix(".new")
        self._file = os.open(unnamed, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unnamed.rename(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._file)  # which releases the lock

    def record(self, replies: Iterable[tuple[int, Reply]], begun: Iterable[int]) -> None:
        """Write the relay's replies, and what is about to be handed over, in one write."""
        ends = [f"e {key} {reply.code} {reply.text}\n" for key, reply in replies]
        self._write("".join(ends + [f"b {key}\n" for key in begun]))

    def record_unsent(self, key: int) -> None:
        """Write that a delivery that was begun was certainly not handed over."""
        self._write(f"n {key}\n")

    def done(self) -> None:
        """Delete the journal: all of it is in the ledger."""
        self._path.unlink(missing_ok=True)

    def _write(self, lines: str) -> None:
        octets = lines.encode()
        size = self._size + len(octets)
        try:
            while octets:
                octets = octets[os.write(self._file, octets) :]
        except OSError:  # a full disk may have taken a part, which would read as another line
            os.ftruncate(self._file, self._size)
            raise
        self._size = size


def read(name: str) -> Mapping[int, Entry] | None:
    """Return the entries of a journal by delivery; None if it is not on this machine.

    An incomplete line is ignored: what it would have begun had not left.
    """
    try:
        lines = _path(name).read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    entries: dict[int, Entry] = {}
    for line in lines[:-1]:
        with suppress(ValueError, IndexError):
            verb, key, *rest = line.decode("utf-8", "replace").split(" ", 3)
            if verb == "e":
                entries[int(key)] = Entry(begun=True, reply=Reply(int(rest[0]), "".join(rest[1:])))
            else:
                entries[int(key)] = Entry(begun=verb == "b")
    return entries


def is_whole(name: str) -> bool:
    """Return whether no line of a journal can be missing: its machine has not gone down since."""
    return name.partition("-")[0] == _boot()


@contextmanager
def lock_abandoned() -> Iterator[list[str]]:
    """Lock the journals of dead processes of this machine, and yield their names.

    Those that are in the list at the end are deleted, unless there was an error.
    """
    locked: dict[str, int] = {}
    try:
        for path in sorted(folder().glob(f"*{SUFFIX}")):
            with suppress(BlockingIOError, FileNotFoundError):
                locked[path.stem] = _lock(path)
        yield (names := list(locked))
        for name in names:
            _path(name).unlink(missing_ok=True)
    finally:
        for file in locked.values():
            os.close(file)


def folder() -> Path:
    """Return where journals are: it has to outlive a process, and belong to this machine."""
    return Path(settings.DIGEST_DATA_DIR) / "journals"


@cache
def _boot() -> str:
    """Return what identifies the time since this machine was started, in hexadecimal digits."""
    try:
        return _BOOT_ID.read_text().replace("-", "")[:16]
    except FileNotFoundError:  # not Linux
        return f"{int(psutil.boot_time()):x}"


def _path(name: str) -> Path:
    return folder() / f"{name}{SUFFIX}"


def _lock(path: Path) -> int:
    """Open and lock a file; raise BlockingIOError or FileNotFoundError if that is not possible."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    if os.fstat(file).st_nlink:
        return file
    os.close(file)  # another sweep was faster, and has deleted it
    raise FileNotFoundError(path)
