"""A new file that gets its name once it is complete and on the disk.

    path.part    created by us alone, and locked while it is written; one that a dead process left
                 is removed first
    path         its name in the end; an existing file is never replaced

Two that write the same file at once: the second one is refused, and changes nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from digest.backups.errors import BackupError


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that only its owner can read; it gets its name on exit without an error.

    Raises BackupError if there is such a file, another process writes it, or the disk fails.
    """
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(_create_locked(unfinished), "wb") as file:
            try:
                _refuse_existing(path)
                yield file
                file.flush()
                os.fsync(file.fileno())
                unfinished.rename(path)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
        _sync_folder(path.parent)
    except OSError as cause:
        raise BackupError(f"{path} cannot be written: {cause.strerror}.") from cause


def _refuse_existing(path: Path) -> None:
    """Raise BackupError if there is such a file.

    Asked under the lock of the unfinished one, this has an answer: whoever had the lock before has
    given their file its name.
    """
    if os.path.lexists(path):
        raise BackupError(f"{path} exists already. Choose another name, or remove it.")


def _create_locked(path: Path) -> int:
    """Create a file, and lock it; a file of this name that nobody locks is removed first."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        _remove_abandoned(path)
        descriptor = os.open(path, flags, 0o600)
    try:
        _lock(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(path: Path) -> None:
    """Remove what a process left that was killed. Raises BackupError if one still writes it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _lock(descriptor, path)
        path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    """Lock a file that has this name. Raises BackupError if another process has it, or removed it.

    Both happen to a process that creates a file and is slower to lock it than one that removes
    what nobody has locked.
    """
    busy = BackupError(f"{path} is being written by another process. Wait until it has ended.")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_named = os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):
        raise busy from None
    if not is_named:
        raise busy


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
