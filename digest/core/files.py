"""Files that a person names: an error in plain words where one cannot be read or written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.core.errors import DigestError


@contextmanager
def explain_reading(path: Path, error: type[DigestError]) -> Iterator[None]:
    """Raise `error`, which names the file, where this block fails to read it."""
    try:
        yield
    except OSError as cause:
        raise error(f"{path} cannot be read: {cause.strerror}.") from cause
    except UnicodeError as cause:
        raise error(f"{path} cannot be read: it is not text in UTF-8.") from cause


@contextmanager
def explain_writing(path: Path, error: type[DigestError]) -> Iterator[None]:
    """Raise `error`, which names the file, where this block fails to write it."""
    try:
        yield
    except OSError as cause:
        raise error(f"{path} cannot be written: {cause.strerror}.") from cause
