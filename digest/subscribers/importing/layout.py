"""Find out how a list of subscribers is to be read: its encoding, delimiter and columns.

One pass over the bytes finds the encoding; the first rows show the rest.
"""

import codecs
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from digest.subscribers.errors import ImportFileError
from digest.subscribers.importing.lines import numbered_lines, open_text

FIELDS = ("email", "name", "first_name", "last_name")

_SAMPLE = 50  # lines that show delimiter and columns
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
_FIELD_BY_HEADING = {
    heading: field for field, headings in _HEADINGS.items() for heading in headings.split()
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file."""

    encoding: str
    delimiter: str
    has_header: bool
    columns: Mapping[str, int]  # FIELDS, "email" always among them, to the column's index
    titles: Mapping[str, str]  # the same, to the column's heading in the file
    size: int  # bytes


def read_layout(path: Path, mapping: Mapping[str, str] | None = None) -> Layout:
    """Return how to read a file; raise ImportFileError if it is not a list of subscribers.

    `mapping` names the columns whose headings are not recognised: one of FIELDS to a heading or to
    the number of the column, from 1.
    """
    encoding = _encoding(path)
    with open_text(path, encoding) as stream:
        lines = [text for _, text in islice(numbered_lines(stream), _SAMPLE)]
    if not any(line.strip() for line in lines):
        raise ImportFileError(f"{path} is empty.")
    delimiter = max(_DELIMITERS, key=lambda candidate: _score(lines, candidate))
    sample = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    header = [] if any("@" in cell for cell in sample[0]) else sample[0]
    body = sample[1:] if header else sample
    columns = _guess_columns(header, body)
    columns |= _mapped_columns(mapping or {}, header, width=len(sample[0]))
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


def _encoding(path: Path) -> str:
    """Read the whole file once: it is UTF-8 only if it is UTF-8 to the end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
            if start.startswith(_ARCHIVES):
                raise ImportFileError(
                    f"{path} is a spreadsheet or an archive. Save the list as CSV first."
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


def _score(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Return how many addresses a delimiter separates, then how many columns it makes."""
    table = list(csv.reader(lines, delimiter=delimiter))
    addresses = sum(any(_ADDRESS.fullmatch(cell) for cell in row) for row in table)
    return addresses, max(map(len, table))


def _guess_columns(header: list[str], body: list[list[str]]) -> dict[str, int]:
    """Match the headings; if several or none mean email, the addresses in the rows decide."""
    columns: dict[str, int] = {}
    email_candidates = []
    for index, heading in enumerate(header):
        normalized = re.sub(r"[\s_.:*()]+", "", heading).casefold()
        field = _FIELD_BY_HEADING.get(normalized, "")
        if field == "email":
            email_candidates.append(index)
        elif field:
            columns.setdefault(field, index)
    width = max(map(len, body), default=0)
    counts = {index: _count_addresses(body, index) for index in email_candidates or range(width)}
    if counts and (email_candidates or any(counts.values())):
        columns["email"] = max(counts, key=lambda index: counts[index])
    return columns


def _count_addresses(body: list[list[str]], index: int) -> int:
    return sum(bool(_ADDRESS.fullmatch(row[index])) for row in body if index < len(row))


def _mapped_columns(mapping: Mapping[str, str], header: list[str], width: int) -> dict[str, int]:
    """Return the columns that the mapping names."""
    headings = [heading.strip().casefold() for heading in header]
    columns = {}
    for field, column in mapping.items():
        if field not in FIELDS:
            raise ImportFileError(f"{field!r} is not a field. The fields are: {', '.join(FIELDS)}.")
        if column.strip().casefold() in headings:
            columns[field] = headings.index(column.strip().casefold())
        elif column.isdecimal() and 1 <= int(column) <= width:
            columns[field] = int(column) - 1
        else:
            raise ImportFileError(
                f"There is no column {column!r}. The columns are: {', '.join(header) or width}."
            )
    return columns
