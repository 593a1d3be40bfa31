"""The lines of a list of subscribers, read one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LONGEST_LINE = 20_000  # characters; a subscriber's row has a hundred


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a file as text; what cannot be decoded becomes U+FFFD, so only its row is refused."""
    with path.open(encoding=encoding, errors="replace") as stream:
        yield stream


def numbered_lines(stream: IO[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, from 1; one that is too long is cut."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        yield number, line
        while len(line) > LONGEST_LINE and not line.endswith("\n"):
            line = stream.readline(LONGEST_LINE + 1)
