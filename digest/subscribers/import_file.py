"""A list of subscribers as other systems export it: whatever the encoding, delimiter and columns.

    layout = read_layout(path)      one pass over the bytes, a look at the first rows
    rows(path, layout)              the rows, one at a time, each with its line number

Nothing of the file is held in memory but the record at hand.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from digest.subscribers.errors import ImportFileError

LONGEST_LINE = 20_000  # characters; a subscriber's row has a hundred
LONGEST_RECORD = 20  # lines that one quoted cell may run over
FIELDS = ("email", "name", "first_name", "last_name")

_SAMPLE = 50  # rows that are looked at to find delimiter and columns
_AT_ONCE = 200  # lines that are looked at together
_DELIMITERS = ",;\t"
_ADDRESS = re.compile(r"""\s*[^@\s,;<>"]+@[^@\s,;<>"]+\.[^@\s,;<>"]+\s*""")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")  # xlsx and zip, gzip, xls
_HEADINGS = {
    "email": (
        "email e-mail mail emailaddress e-mail-address mailaddress address subscriber "
        "emailadresse e-mail-adresse mailadresse courriel adressemail adressee-mail adresseemail "
        "correo correoelectrónico correoelectronico indirizzoemail posta e-mailadres emailadres "
        "epost e-post epostadress e-postadress e-postadresse sähköposti adrese-mail "
        "correioeletrónico correioeletrônico correioeletronico endereçodeemail почта "
        "электроннаяпочта email地址 电子邮件 邮箱 メール メールアドレス"
    ),
    "name": (
        "name fullname displayname yourname nom nomcomplet nombrecompleto nome nomecompleto naam "
        "namn navn nimi vollständigername имя 姓名 名前 氏名"
    ),
    "first_name": (
        "firstname first fname givenname forename vorname prénom prenom nombre nombres "
        "primeiro primeironome voornaam förnamn fornavn etunimi"
    ),
    "last_name": (
        "lastname last lname surname familyname nachname familienname nomdefamille apellido "
        "apellidos cognome sobrenome apelido achternaam efternamn etternavn efternavn sukunimi "
        "фамилия"
    ),
}
_MEANINGS = {word: field for field, words in _HEADINGS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is to be read."""

    encoding: str
    delimiter: str
    has_header: bool
    columns: Mapping[str, int]  # of FIELDS, "email" always among them, to the column's index
    titles: Mapping[str, str]  # the same, to what the file calls the column
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One record: where it begins, and its cells or what is wrong with it."""

    line: int
    cells: list[str]
    problem: str = ""


def read_layout(path: Path, mapping: Mapping[str, str] | None = None) -> Layout:
    """Find out how a file is to be read; raise ImportFileError if it is no list of subscribers.

    `mapping` names columns where the file's headings don't speak for themselves: one of FIELDS to
    a heading or to a column's number, from 1.
    """
    encoding = _encoding(path)
    with _text(path, encoding) as stream:
        lines = [text for _, text in islice(_lines(stream), _SAMPLE)]
    if not any(line.strip() for line in lines):
        raise ImportFileError(f"{path} is empty.")
    delimiter = max(_DELIMITERS, key=lambda one: _evidence(lines, one))
    sample = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    header = [] if any("@" in cell for cell in sample[0]) else sample[0]
    body = sample[1:] if header else sample
    columns = {**_guess(header, body), **_chosen(mapping or {}, header, width=len(sample[0]))}
    if "email" not in columns:
        raise ImportFileError(
            f"No column of {path} holds email addresses. Its columns are: "
            f"{', '.join(header or sample[0])}. Name the right one with email=COLUMN."
        )
    titles = {
        field: header[index] if index < len(header) else f"column {index + 1}"
        for field, index in columns.items()
    }
    size = path.stat().st_size
    return Layout(encoding, delimiter, bool(header), columns, titles, size)


def rows(path: Path, layout: Layout, on_read: Callable[[int], None] | None = None) -> Iterator[Row]:
    """Give the file's records in order, without the header and without empty lines.

    A record that can't be read comes as a Row with a problem; the next one is read as if it had
    not been there. `on_read` is told now and then how many bytes lie behind.
    """
    awaits_header = layout.has_header
    with _text(path, layout.encoding) as stream:
        for number, row in enumerate(_records(_lines(stream), layout.delimiter)):
            if on_read and number % 1000 == 0:
                on_read(stream.buffer.tell())  # type: ignore[attr-defined]  # open() gives one
            if not row.problem and not _says_something(row.cells):
                continue
            if awaits_header:
                awaits_header = False
            else:
                yield row


def _says_something(cells: list[str]) -> bool:
    return bool(cells) and (bool(cells[0].strip()) or any(cell.strip() for cell in cells))


def _encoding(path: Path) -> str:
    """Read the whole file once: UTF-8 is only what is UTF-8 to the end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
            if start.startswith(_ARCHIVES):
                raise ImportFileError(
                    f"{path} is a spreadsheet or an archive; save the list as CSV first."
                )
            for mark, encoding in _BOMS.items():
                if start.startswith(mark):
                    return encoding
            decoder.decode(start)
            while block := stream.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    except OSError as cause:
        raise ImportFileError(f"Cannot read {path}: {cause.strerror}.") from cause
    return "utf-8"


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[IO[str]]:
    # U+FFFD for what even the fallback can't read: the row is then refused, the file is not.
    with path.open(encoding=encoding, errors="replace") as stream:
        yield stream


def _lines(stream: IO[str]) -> Iterator[tuple[int, str]]:
    """Give numbered lines; one that is too long is cut, and its rest skipped."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        yield number, line
        while len(line) > LONGEST_LINE and not line.endswith("\n"):
            line = stream.readline(LONGEST_LINE + 1)


def _records(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """Put together the lines of each record, so that a stray quote costs one line, not the rest."""
    waiting: list[tuple[int, str]] = []
    while waiting or (waiting := list(islice(lines, _AT_ONCE))):
        if _is_plain(waiting):
            yield from _split(waiting, delimiter)
            waiting = []
            continue
        taken = 1
        while _is_open(waiting[:taken]) and taken < LONGEST_RECORD:
            if taken == len(waiting):
                waiting += islice(lines, 1)
                if taken == len(waiting):
                    break
            taken += 1
        if _is_open(waiting[:taken]):
            taken = 1
        yield from _parse(waiting[:taken], delimiter)
        del waiting[:taken]


def _is_plain(lines: list[tuple[int, str]]) -> bool:
    """Say whether each line is a record: no cell is quoted, and nothing in it is odd."""
    texts = [text for _, text in lines]
    whole = "".join(texts)
    return '"' not in whole and "\0" not in whole and max(map(len, texts)) <= LONGEST_LINE


def _split(lines: list[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    cells = csv.reader((text for _, text in lines), delimiter=delimiter)
    return (Row(number, row) for (number, _), row in zip(lines, cells, strict=True))


def _is_open(lines: list[tuple[int, str]]) -> bool:
    """Say whether a quoted cell is still open: quotes inside one are doubled (RFC 4180 §2.7)."""
    return sum(text.count('"') for _, text in lines) % 2 == 1


def _parse(lines: list[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    start = lines[0][0]
    if any(len(text) > LONGEST_LINE for _, text in lines):
        yield Row(start, [], f"the line is longer than {LONGEST_LINE:,} characters")
        return
    subscriber = csv.reader(
        (text for _, text in lines), delimiter=delimiter, strict=_is_open(lines)
    )
    begun = 0
    try:
        for cells in subscriber:
            problem = "it holds a NUL byte" if any("\0" in cell for cell in cells) else ""
            yield Row(start + begun, cells, problem)
            begun = subscriber.line_num
    except csv.Error:
        yield Row(start + begun, [], "a quotation mark is opened and not closed")


def _evidence(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Say how well a delimiter cuts addresses free, then into how many columns it cuts."""
    table = list(csv.reader(lines, delimiter=delimiter))
    addresses = sum(any(_ADDRESS.fullmatch(cell) for cell in row) for row in table)
    return addresses, max(map(len, table))


def _guess(header: list[str], body: list[list[str]]) -> dict[str, int]:
    """Read the headings; of several that may mean email, or none, the addresses below decide."""
    found: dict[str, int] = {}
    called_email = []
    for index, heading in enumerate(header):
        word = re.sub(r"[\s_.:*()]+", "", heading).casefold()
        field = _MEANINGS.get(word, "")
        if field == "email":
            called_email.append(index)
        elif field:
            found.setdefault(field, index)
    width = max(map(len, body), default=0)
    full = {index: _count_addresses(body, index) for index in called_email or range(width)}
    if full and (called_email or any(full.values())):
        found["email"] = max(full, key=lambda index: full[index])
    return found


def _count_addresses(body: list[list[str]], index: int) -> int:
    return sum(bool(_ADDRESS.fullmatch(row[index])) for row in body if index < len(row))


def _chosen(mapping: Mapping[str, str], header: list[str], width: int) -> dict[str, int]:
    """Find the columns that a person named."""
    headings = [heading.strip().casefold() for heading in header]
    chosen = {}
    for field, column in mapping.items():
        if field not in FIELDS:
            raise ImportFileError(f"{field!r} is no field; there are {', '.join(FIELDS)}.")
        if column.strip().casefold() in headings:
            chosen[field] = headings.index(column.strip().casefold())
        elif column.isdecimal() and 1 <= int(column) <= width:
            chosen[field] = int(column) - 1
        else:
            raise ImportFileError(
                f"There is no column {column!r}; there are {', '.join(header) or width}."
            )
    return chosen
