"""An export, of one file or a zip archive, read within limits: nothing is unpacked by its name.

A zip archive may claim any size and any path. So what is read is counted as it comes, and a list is
copied to a temporary file with a name of ours.
"""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from digest.transfers.errors import TransferError

MOST_MEMBERS = 50_000
LARGEST_LIST = 1_000_000_000  # bytes, unpacked
LARGEST_TEXT = 200_000_000  # of a document that is read whole
LARGEST_JSON = 20_000_000  # of a document in JSON: parsed, it takes up to thirty times as much
LARGEST_PAGE = 5_000_000  # of one past issue
LARGEST_TOTAL = 4_000_000_000  # that are read of one archive
_BLOCK = 1 << 20
_DAMAGED = "This zip archive is damaged or has a password. Export again, and choose the new file."


class Export:
    """The files of an export, by their paths in it; close it with `opened`."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path, left: int) -> None:
        self._archive = archive
        self._folder = folder
        self._temporary_files = 0
        self.left = left  # bytes that may still be read of it
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise TransferError(f"This zip archive holds more than {MOST_MEMBERS:,} files.")
        if any(member.flag_bits & 1 for member in members):
            raise TransferError(_DAMAGED)
        if any(member.filename.startswith("xl/") for member in members):
            raise TransferError(
                "This is a spreadsheet. Choose the file as the service exported it, or save the "
                "list as CSV (UTF-8)."
            )
        self._members = {
            member.filename: member for member in members if not _is_clutter(member.filename)
        }
        self._copies: dict[str, Path] = {}

    @property
    def names(self) -> list[str]:
        """The paths of the files, in the archive's order."""
        return list(self._members)

    @property
    def claimed_size(self) -> int:
        """How many bytes the archive says that it unpacks to."""
        return sum(member.file_size for member in self._members.values())

    def named(self, ending: str) -> list[str]:
        """Return the paths that end so, whatever their case."""
        return [name for name in self._members if name.lower().endswith(ending)]

    def start(self, name: str, length: int = 4096) -> bytes:
        """Return the first bytes of a file."""
        with self._open(name) as stream:
            content = stream.read(length)
        self._count(len(content))
        return content

    def read(self, name: str, largest: int) -> bytes:
        """Return a file; raise TransferError if it has more than `largest` bytes."""
        with self._open(name) as stream:
            content = stream.read(largest + 1)
        self._count(len(content))
        if len(content) > largest:
            raise TransferError(
                f"“{Path(name).name}” in this export is larger than {largest // 1_000_000} MB."
            )
        return content

    def text(self, name: str, largest: int) -> str:
        """Return a file as text: UTF-8, or else Windows-1252."""
        content = self.read(name, largest)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("cp1252", "replace")

    def copy(self, name: str) -> Path:
        """Return the path of a temporary copy of a file, which is removed with the export."""
        if name not in self._copies:
            path = self.temporary_path()
            with path.open("wb") as copy:
                for block in self.blocks(name):
                    copy.write(block)
            self._copies[name] = path
        return self._copies[name]

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield a file in pieces; raise TransferError if it is larger than a list may be."""
        size = 0
        with self._open(name) as stream:
            while block := stream.read(_BLOCK):
                self._count(len(block))
                size += len(block)
                if size > LARGEST_LIST:
                    raise TransferError("A list in this export is larger than 1 GB.")
                yield block

    def temporary_path(self) -> Path:
        """Return a path for a list that does not exist yet; it is removed with the export."""
        self._temporary_files += 1
        return self._folder / f"{self._temporary_files}.csv"

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._archive.open(self._members[name]) as stream:
                yield stream
        except _ZIP_ERRORS as cause:
            raise TransferError(_DAMAGED) from cause

    def _count(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise TransferError("This export unpacks to more than 4 GB.")


_ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError)


@contextmanager
def opened(path: Path, left: int | None = None) -> Iterator[Export]:
    """Open what `packing.pack` wrote, or a zip archive; raise TransferError for what is none.

    At most `left` bytes are read of it, LARGEST_TOTAL where nothing else is said.
    """
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
        except (*_ZIP_ERRORS, OSError) as cause:
            raise TransferError(_DAMAGED) from cause
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        yield Export(archive, Path(folder), LARGEST_TOTAL if left is None else left)


def _is_clutter(name: str) -> bool:
    parts = name.split("/")
    return name.endswith("/") or "__MACOSX" in parts or parts[-1].startswith(".")
