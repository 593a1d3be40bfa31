"""A sending process's own book: what is about to be handed over, and what the relay said.

One small file for each sending run, on the disk of the machine that sends:

    b 17                    delivery 17 is begun: its last octets are about to leave
    e 17 250 2.0.0 Ok       the relay's word on it
    n 17                    it was not handed over after all

Each line is one write(2), so it outlives a kill -9 of its process, and costs microseconds where a
commit costs a millisecond. It is folded into the ledger in batches, and thrown away when all of it
is there. Its process holds a lock on it; whoever finds a journal without a lock has found a dead
process's, and folds it in. A journal is not synced: when the machine itself goes down, what its
workers had claimed is uncertain as a whole. docs/decisions/0009 says what else was measured.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from django.conf import settings

from digest.relays.transports.base import Reply

SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class Entry:
    """The last word of a journal on one delivery."""

    begun: bool  # handed over, or about to be
    reply: Reply | None = None


class Journal:
    """An open journal of this process. It is kept on exit unless `done` was called."""

    def __init__(self) -> None:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = uuid4().hex
        self._path = _path(self.name)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        # Locked before it bears its name: one that can be seen and is not locked is a dead one's.
        newborn = self._path.with_suffix(".new")
        self._file = os.open(newborn, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        newborn.rename(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._file)  # and its lock with it

    def begin(self, keys: Iterable[int]) -> None:
        """Note that these are about to be handed over."""
        self._write("".join([f"b {key}\n" for key in keys]))

    def end(self, key: int, reply: Reply) -> None:
        """Note the relay's word."""
        self._write(f"e {key} {reply.code} {reply.text}\n")

    def never(self, key: int) -> None:
        """Note that one which was begun was surely not handed over."""
        self._write(f"n {key}\n")

    def done(self) -> None:
        """Throw it away: all of it is in the ledger."""
        self._path.unlink(missing_ok=True)

    def _write(self, lines: str) -> None:
        octets = lines.encode()
        while octets:
            octets = octets[os.write(self._file, octets) :]


def read(name: str) -> Mapping[int, Entry] | None:
    """Return what a journal says by delivery; None if it is not on this machine.

    A last line that a kill cut short is left out: what it would have begun had not left.
    """
    try:
        lines = _path(name).read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    entries: dict[int, Entry] = {}
    for line in lines[:-1]:
        verb, key, *rest = line.decode("utf-8", "replace").split(" ", 3)
        if verb == "e":
            entries[int(key)] = Entry(begun=True, reply=Reply(int(rest[0]), "".join(rest[1:])))
        else:
            entries[int(key)] = Entry(begun=verb == "b")
    return entries


@contextmanager
def left_behind() -> Iterator[list[str]]:
    """Hold the journals of dead processes of this machine, and give their names.

    Those that are still there at the end, without an error, are thrown away.
    """
    held: dict[str, int] = {}
    try:
        for path in sorted(folder().glob(f"*{SUFFIX}")):
            with suppress(BlockingIOError, FileNotFoundError):
                held[path.stem] = _locked(path)
        yield list(held)
        for name in held:
            _path(name).unlink(missing_ok=True)
    finally:
        for file in held.values():
            os.close(file)


def folder() -> Path:
    """Where journals lie: it has to outlive a process, and be this machine's own."""
    return Path(settings.DIGEST_DATA_DIR) / "journals"


def _path(name: str) -> Path:
    return folder() / f"{name}{SUFFIX}"


def _locked(path: Path) -> int:
    """Open and lock a file nobody holds; raise BlockingIOError or FileNotFoundError otherwise."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    if os.fstat(file).st_nlink:
        return file
    os.close(file)  # another sweep was faster, and has thrown it away
    raise FileNotFoundError(path)
