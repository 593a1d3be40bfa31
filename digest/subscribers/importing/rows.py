"""The records of a list of subscribers, one at a time, with their line numbers.

A record that cannot be read costs one line, not the rest of the file. Only the current lines are in
memory.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from digest.subscribers.importing.layout import Layout
from digest.subscribers.importing.lines import LONGEST_LINE, numbered_lines, open_text

LONGEST_RECORD = 20  # lines that one quoted cell may span
_BATCH = 200  # lines that are examined together


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its first line, and its cells or what is wrong with it."""

    line: int
    cells: list[str]
    problem: str = ""


def read_rows(
    path: Path, layout: Layout, on_read: Callable[[int], None] | None = None
) -> Iterator[Row]:
    """Yield the file's records in order, without the header and without empty lines.

    A record that cannot be read is a Row with a problem; the next one is read as usual. `on_read`
    is called from time to time with the number of bytes read.
    """
    awaits_header = layout.has_header
    with open_text(path, layout.encoding) as stream:
        lines = islice(numbered_lines(stream), layout.preamble, None)
        for number, row in enumerate(_records(lines, layout.delimiter)):
            if on_read and number % 1000 == 0:
                on_read(stream.buffer.tell())  # type: ignore[attr-defined]  # open() gives one
            if not row.problem and not _has_content(row.cells):
                continue
            if awaits_header:
                awaits_header = False
            else:
                yield row


def _has_content(cells: list[str]) -> bool:
    return bool(cells) and (bool(cells[0].strip()) or any(cell.strip() for cell in cells))


def _records(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """Join the lines of each record; a stray quotation mark costs one line, not the rest."""
    pending: list[tuple[int, str]] = []
    while pending or (pending := list(islice(lines, _BATCH))):
        if _is_plain(pending):
            yield from _split(pending, delimiter)
            pending = []
            continue
        count = 1
        while _is_open(pending[:count]) and count < LONGEST_RECORD:
            if count == len(pending):
                pending += islice(lines, 1)
                if count == len(pending):
                    break
            count += 1
        if _is_open(pending[:count]) or not _is_well_formed(pending[:count], delimiter):
            count = 1
        yield from _parse(pending[:count], delimiter)
        del pending[:count]


def _is_plain(lines: list[tuple[int, str]]) -> bool:
    """Return whether each line is one record: no quoted cell, no NUL, no line too long."""
    texts = [text for _, text in lines]
    text = "".join(texts)
    return '"' not in text and "\0" not in text and max(map(len, texts)) <= LONGEST_LINE


def _split(lines: list[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    cells = csv.reader((text for _, text in lines), delimiter=delimiter)
    return (Row(number, row) for (number, _), row in zip(lines, cells, strict=True))


def _is_open(lines: list[tuple[int, str]]) -> bool:
    """Return whether a quoted cell is still open; a quote inside one is doubled (RFC 4180 §2.7)."""
    return sum(text.count('"') for _, text in lines) % 2 == 1


def _is_well_formed(lines: list[tuple[int, str]], delimiter: str) -> bool:
    """Return whether several lines are records by the letter: a closed cell ends at a delimiter.

    Two stray quotation marks on two lines would hide the person on the second one.
    """
    try:
        return len(lines) == 1 or bool(
            list(csv.reader((text for _, text in lines), delimiter=delimiter, strict=True))
        )
    except csv.Error:
        return False


def _parse(lines: list[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    start = lines[0][0]
    if any(len(text) > LONGEST_LINE for _, text in lines):
        yield Row(start, [], f"the line is longer than {LONGEST_LINE:,} characters")
        return
    parser = csv.reader((text for _, text in lines), delimiter=delimiter, strict=_is_open(lines))
    offset = 0
    try:
        for cells in parser:
            problem = "it contains a NUL byte" if any("\0" in cell for cell in cells) else ""
            yield Row(start + offset, cells, problem)
            offset = parser.line_num
    except csv.Error:
        yield Row(start + offset, [], "a quotation mark is opened and not closed")
