"""What files are that are not lists; and a list in a zip archive, as Mailchimp exports it."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.subscribers.errors import ImportFileError

LARGEST_UNPACKED = 1_000_000_000  # bytes
_LISTED = 5  # names of files in a message
_ENDINGS = (".csv", ".tsv", ".txt")
_SAVE_AS_CSV = "Open it, choose “Save as” or “Download as”, and save the list as CSV (UTF-8)."

_SPREADSHEET = f"This is a spreadsheet, not a CSV file. {_SAVE_AS_CSV}"
_PICTURE = "This is a picture. Choose the CSV file that your current system exported."
_KINDS = {
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,  # Excel before 2007
    b"%PDF": "This is a PDF. Export the list as CSV instead.",
    b"PK\x03\x04": (
        "This is a spreadsheet or a zip archive, and it is damaged. Export the list as CSV again."
    ),
    b"\x1f\x8b": "This file is compressed (gzip). Unpack it, and choose the CSV file inside.",
    b"Rar!": "This is a RAR archive. Unpack it, and choose the CSV file inside.",
    b"7z\xbc\xaf": "This is a 7z archive. Unpack it, and choose the CSV file inside.",
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"RIFF": _PICTURE,
    b"{\\rtf": "This is a text document (RTF). Save the list as plain text or CSV.",
    b"BEGIN:VCARD": "These are contacts as vCards. Export them as CSV instead.",
    b"SQLite format": "This is a database. Export the list as CSV instead.",
}
_PAGES = (b"<!doctype", b"<html", b"<?xml")
_OFFICE = {"xl/": _SPREADSHEET, "word/": f"This is a Word document. {_SAVE_AS_CSV}"}
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"


def check_start(start: bytes) -> None:
    """Raise ImportFileError if a file's first bytes show that it is not text."""
    for signature, message in _KINDS.items():
        if start.startswith(signature):
            raise ImportFileError(message)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGES):
        raise ImportFileError(
            "This is a web page or an XML file, not a CSV file. Perhaps the download asked for a "
            "sign-in: download the list again, and choose the CSV file."
        )
    if text.startswith((b"[{", b'{"', b"[\n", b"{\n")):
        raise ImportFileError("This is a JSON file. Export the list as CSV instead.")
    if text[4:8] == b"ftyp":
        raise ImportFileError(_PICTURE)


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, str]]:
    """Give a list's path and name; of a zip archive, those of the only list in it.

    Raises ImportFileError for an archive with none or several, and for office documents.
    """
    if not path.is_file() or not zipfile.is_zipfile(path) or not _starts_as_zip(path):
        yield path, path.name
        return
    try:
        with zipfile.ZipFile(path) as archive, tempfile.NamedTemporaryFile(suffix=".csv") as copy:
            member = _only_list(archive)
            with archive.open(member) as stream:
                shutil.copyfileobj(_Bounded(stream), copy)
            copy.flush()
            yield Path(copy.name), Path(member.filename).name
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as cause:
        raise ImportFileError(
            "This zip archive is damaged or has a password. Unpack it, and choose the CSV file "
            "inside."
        ) from cause


def _starts_as_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _only_list(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = archive.namelist()
    for folder, message in _OFFICE.items():
        if any(name.startswith(folder) for name in names):
            raise ImportFileError(message)
    if "mimetype" in names and _is_open_document(archive):
        raise ImportFileError(_SPREADSHEET)
    lists = [
        member
        for member in archive.infolist()
        if member.filename.lower().endswith(_ENDINGS)
        and not member.filename.startswith("__MACOSX/")
    ]
    if len(lists) == 1:
        if lists[0].file_size > LARGEST_UNPACKED:
            raise ImportFileError("The list in this archive is larger than 1 GB. Unpack it first.")
        return lists[0]
    if not lists:
        raise ImportFileError("There is no CSV file in this zip archive.")
    listing = ", ".join(Path(member.filename).name for member in lists[:_LISTED])
    more = " …" if len(lists) > _LISTED else ""
    raise ImportFileError(
        f"This zip archive holds {len(lists)} lists: {listing}{more}. "
        "Unpack it, and import them one by one: first the subscribed, then the others as "
        "suppressions."
    )


def _is_open_document(archive: zipfile.ZipFile) -> bool:
    """Say whether the first bytes of "mimetype" name a format; all of it may be of any size."""
    kind = _OPEN_DOCUMENT.encode()
    with archive.open("mimetype") as stream:
        return stream.read(len(kind)) == kind


class _Bounded:
    """A stream that ends in an error where an archive holds more than it declares."""

    def __init__(self, stream: object) -> None:
        self._stream = stream
        self._left = LARGEST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._stream.read(size)  # type: ignore[attr-defined]
        self._left -= len(block)
        if self._left < 0:
            raise ImportFileError("The list in this archive is larger than 1 GB. Unpack it first.")
        return block
