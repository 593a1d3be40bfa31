"""Find out how a list of subscribers is to be read: its encoding, delimiter and columns.

One pass over the bytes finds the encoding; the first rows show the rest.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import EllipsisType

from digest.core.text import one_line
from digest.subscribers.errors import ImportFileError
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.files import check_start
from digest.subscribers.importing.headings import PERSON, Meaning, cause_of, meanings_of
from digest.subscribers.importing.lines import numbered_lines, open_text
from digest.subscribers.importing.sources import SOURCES, recognise
from digest.subscribers.importing.states import Reading, plain
from digest.subscribers.segments.rules import ATTRIBUTE

MOST_COLUMNS = 300
_SAMPLE = 300  # lines that show delimiter and columns
_DELIMITERS = ",;\t|"
_PART = r"""[^@\s,;|<>"\uff20]+"""
_ADDRESS = re.compile(rf"""(?:[^@,;|<]*<)?[\s"'“]*{_PART}[@\uff20]{_PART}[>\s"'”]*""")
# A heading may hold an at sign ("E-mail (@)"); only an address has something on both sides.
_HAS_AT = re.compile(r"[^\s(\[@\uff20][@\uff20]+[^\s)\]@\uff20]")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# UTF-16 without a mark: every other byte of the first letters is NUL.
_MARKLESS = {(True, False): "utf-16-be", (False, True): "utf-16-le"}
_READINGS = {Meaning(reading.value): reading for reading in Reading}


@dataclass(frozen=True, slots=True)
class StateColumn:
    """A column that says who must not be mailed."""

    index: int
    heading: str
    reading: Reading
    cause: Cause  # what a bare yes, no or date in it means
    terms: Mapping[str, Cause]  # what words mean in the system that wrote it


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file."""

    encoding: str
    delimiter: str
    preamble: int  # lines before the header
    has_header: bool
    headings: tuple[str, ...]  # of every column; "column 3" where it has none
    # Of every column, email among them: a Meaning, or "attribute." with an attribute's key.
    meanings: tuple[str, ...]
    source: str  # a key of sources.SOURCES, or ""
    everyone: Cause | None  # the state of everybody in the file, from its name
    size: int  # bytes

    @property
    def columns(self) -> Mapping[str, int]:
        """The index of each column with a person's data, "email" always among them."""
        return {
            str(meaning): index for index, meaning in enumerate(self.meanings) if meaning in PERSON
        }

    @property
    def titles(self) -> Mapping[str, str]:
        """The same, to the column's heading in the file."""
        return {field: self.headings[index] for field, index in self.columns.items()}

    @property
    def states(self) -> tuple[StateColumn, ...]:
        """The columns that say who must not be mailed, in the file's order."""
        return tuple(column for column in self._readable() if column.reading is not Reading.OTHER)

    @property
    def other_columns(self) -> tuple[StateColumn, ...]:
        """The columns about something else, where only an unmistakable word counts."""
        return tuple(column for column in self._readable() if column.reading is Reading.OTHER)

    def with_meanings(self, meanings: Sequence[str], everyone: Cause | None) -> "Layout":
        """Return the layout as a person has corrected it; raise ImportFileError without email."""
        if len(meanings) != len(self.meanings):
            raise ImportFileError("The columns of the file have changed. Upload it again.")
        fields = [row for row in meanings if row in PERSON or row.startswith(ATTRIBUTE)]
        if Meaning.EMAIL not in fields:
            raise ImportFileError("Choose the column that holds the email addresses.")
        if twice := next((field for field in fields if fields.count(field) > 1), None):
            label = LABELS.get(Meaning(twice)) if twice in PERSON else twice
            raise ImportFileError(f"Choose only one column as “{label}”.")
        return replace(self, meanings=tuple(meanings), everyone=everyone)

    @property
    def _terms(self) -> Mapping[str, Cause]:
        return SOURCES[self.source].terms if self.source else {}

    def _readable(self) -> Iterable[StateColumn]:
        for index, (heading, meaning) in enumerate(zip(self.headings, self.meanings, strict=True)):
            if meaning == Meaning.TAGS or meaning.startswith(ATTRIBUTE):
                meaning = Meaning.OTHER  # noqa: PLW2901  who is tagged "unsubscribed" is
            if meaning in _READINGS:
                kind = Meaning(meaning)
                yield StateColumn(
                    index, heading, _READINGS[kind], cause_of(heading, kind), self._terms
                )


LABELS: Mapping[Meaning, str] = {
    Meaning.EMAIL: "Email address",
    Meaning.NAME: "Name",
    Meaning.FIRST_NAME: "First name",
    Meaning.LAST_NAME: "Last name",
    Meaning.TAGS: "Tags",
    Meaning.STATE: "Subscription status",
    Meaning.ALLOWED: "Subscribed: yes or no",
    Meaning.STOPPED: "Unsubscribed or bounced: date, reason or yes",
    Meaning.OTHER: "Something else",
    Meaning.IGNORED: "Ignore",
}


def read_layout(
    path: Path,
    mapping: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    name: str = "",
    source: str | None = None,
    everyone: Cause | EllipsisType | None = ...,
) -> Layout:
    """Return how to read a file; raise ImportFileError if it is not a list of subscribers.

    `mapping` names the columns that are not recognised: a Meaning, or "attribute." with a key, to a
    heading or to the number of the column, from 1. `name` is the file's own name, `source` the
    system that wrote it, and `everyone` the state of everybody in it, if a person said so.
    """
    encoding = _encoding(path)
    lines = _sample(path, encoding)
    delimiter, preamble = _delimiter(lines)
    header, body, width = _header(_table(lines[preamble:], delimiter))
    source = recognise(header) if source is None else source
    meanings: list[str] = [*_guess(header, body, width, source)]
    pairs = mapping.items() if isinstance(mapping, Mapping) else mapping
    meanings = _map(meanings, pairs, header, width)
    if Meaning.EMAIL not in meanings:
        raise ImportFileError(
            f"No column of this file holds email addresses. Its columns are: "
            f"{_listing(header or body[0])}."
        )
    return Layout(
        encoding=encoding,
        delimiter=delimiter,
        preamble=preamble,
        has_header=bool(header),
        headings=_titles(header, width),
        meanings=tuple(meanings),
        source=source,
        everyone=state_of_file(name or path.name) if everyone is ... else everyone,
        size=path.stat().st_size,
    )


def _header(table: list[list[str]]) -> tuple[list[str], list[list[str]], int]:
    """Return the headings of a table, its other rows, and its width; no headings if it has none."""
    sample = [row for row in table if any(row)] or [[""]]
    has_header = not any(_HAS_AT.search(cell) for cell in sample[0])
    if len(sample[0]) > MOST_COLUMNS:
        raise ImportFileError(f"This file has more than {MOST_COLUMNS} columns. Export fewer.")
    header = [cell.strip("\ufeff\u200b ") for cell in sample[0]] if has_header else []
    return header, sample[1:] if has_header else sample, min(max(map(len, sample)), MOST_COLUMNS)


def _titles(header: Sequence[str], width: int) -> tuple[str, ...]:
    return tuple(
        header[index] if index < len(header) and header[index] else f"column {index + 1}"
        for index in range(width)
    )


def state_of_file(name: str) -> Cause | None:
    """Return the state of everybody in a file by its name ("cleaned_members_export.csv").

    Mailchimp and others export one file for each state, without a column that says so.
    """
    terms = [term for term in re.split(r"[\W\d_]+", plain(name)) if term]
    if any(term in _SUBSCRIBED for term in terms) or _NEGATIONS.intersection(terms):
        return None
    causes = [cause for term in terms for pattern, cause in _FILES if pattern.match(term)]
    return causes[0] if causes else None


_SUBSCRIBED = frozenset({"subscribed", "active", "abonniert", "abonnes", "suscritos", "iscritti"})
_NEGATIONS = frozenset({"not", "no", "without", "ohne", "sans", "sin", "senza", "minus", "except"})
_FILES = (
    (
        re.compile(r"unsub|optout|optedout|abgemeldet|abgemeldete|desabon|desinscri"),
        Cause.UNSUBSCRIBED,
    ),
    (re.compile(r"desuscri|disiscri|afgemeld|unsubscr"), Cause.UNSUBSCRIBED),
    (re.compile(r"clean(ed)?$|bounce|undeliver|bereinigt|hardbounce|nettoye"), Cause.BOUNCED),
    (re.compile(r"complain|spam"), Cause.COMPLAINED),
    (re.compile(r"suppress|block(ed|list)|blacklist|gesperrt"), Cause.BLOCKED),
    (re.compile(r"nonsubscri|transactional|unconfirm|unbestatigt"), Cause.UNCONFIRMED),
)


def _encoding(path: Path) -> str:
    """Read the whole file once: it is UTF-8 only if it is UTF-8 to the end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            start = stream.read(1024)
            check_start(start)
            for mark, encoding in _BOMS.items():
                if start.startswith(mark):
                    return encoding
            if encoding := _markless(start):
                return encoding
            decoder.decode(start)
            while block := stream.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    except OSError as cause:
        raise ImportFileError(f"Cannot read this file: {cause.strerror}.") from cause
    return "utf-8"


def _markless(start: bytes) -> str:
    even, odd = start[:40:2], start[1:40:2]
    return _MARKLESS.get((bool(even) and not any(even), bool(odd) and not any(odd)), "")


def _sample(path: Path, encoding: str) -> list[str]:
    """Return the first lines; raise ImportFileError if most of what they hold is not text."""
    with open_text(path, encoding) as stream:
        lines = [text for _, text in islice(numbered_lines(stream), _SAMPLE)]
    if not any(line.strip() for line in lines):
        raise ImportFileError("The file is empty.")
    text = "".join(lines)[:10_000]
    odd = sum(not character.isprintable() and character not in "\r\n\t\v\f" for character in text)
    if odd * 10 > len(text):
        raise ImportFileError(
            "This file is not text. Choose the CSV file that your current system exported."
        )
    return lines


def _delimiter(lines: Sequence[str]) -> tuple[str, int]:
    """Return the delimiter, and how many lines come before the header: Excel's `sep=;` is one."""
    if declared := re.fullmatch(r'"?sep=([,;|\t])"?\s*', lines[0].lstrip("\ufeff")):
        return declared[1], 1
    return max(_DELIMITERS, key=lambda candidate: _score(lines, candidate)), 0


def _table(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the cells of the lines; where a quotation mark is left open, of each line alone."""
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return [next(csv.reader([line], delimiter=delimiter), []) for line in lines]


def _score(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Return how many addresses a delimiter separates, then how many columns it makes."""
    table = _table(lines, delimiter)
    addresses = sum(any(_is_address(cell) for cell in row) for row in table)
    return addresses, max(map(len, table))


def _guess(header: list[str], body: list[list[str]], width: int, source: str) -> list[Meaning]:
    """Match the headings; if several or none mean email, the addresses in the rows decide."""
    meanings = meanings_of(header, body, width)
    preset = SOURCES[source].meanings if source else {}
    for index, heading in enumerate(header):
        meanings[index] = preset.get(plain(heading), meanings[index])
    emails = [index for index, meaning in enumerate(meanings) if meaning is Meaning.EMAIL]
    counts = {index: _count_addresses(body, index) for index in emails or range(width)}
    chosen = max(counts, key=lambda index: counts[index]) if counts else 0
    if not emails and not counts.get(chosen):
        chosen = -1
    fields: set[Meaning] = {Meaning.EMAIL}
    for index, meaning in enumerate(meanings):
        if index == chosen:
            meanings[index] = Meaning.EMAIL
        elif meaning in fields:
            meanings[index] = Meaning.OTHER
        elif meaning in PERSON:
            fields.add(meaning)
    return meanings


def _count_addresses(body: list[list[str]], index: int) -> int:
    return sum(_is_address(row[index]) for row in body if index < len(row))


def _is_address(cell: str) -> bool:
    return len(cell) < 400 and bool(_ADDRESS.fullmatch(cell))


def _map(
    meanings: Sequence[str], pairs: Iterable[tuple[str, str]], header: list[str], width: int
) -> list[str]:
    """Return the meanings, with those that the mapping names."""
    meanings = list(meanings)
    headings = [heading.strip().casefold() for heading in header]
    for meaning, column in pairs:
        if meaning not in set(Meaning) and not meaning.startswith(ATTRIBUTE):
            raise ImportFileError(
                f"{meaning!r} is not a field. The fields are: {', '.join(Meaning)}, {ATTRIBUTE}KEY."
            )
        if column.strip().casefold() in headings:
            index = headings.index(column.strip().casefold())
        elif column.isdecimal() and 1 <= int(column) <= width:
            index = int(column) - 1
        else:
            raise ImportFileError(
                f"There is no column {column!r}. The columns are: {_listing(header) or width}."
            )
        if meaning in PERSON:
            meanings = [Meaning.OTHER if other is meaning else other for other in meanings]
        meanings[index] = meaning
    return meanings


def _listing(cells: Sequence[str]) -> str:
    return ", ".join(one_line(cell, 60) for cell in cells[:30])
