"""The parts of a backup, as a tar file inside an encrypted one, written and read as a stream.

header.json       what the rest is, and of which moment
secrets.json      the secret key, and its fallbacks
database/000001   pg_dump's output (custom format), in parts
journals/NAME     what sending processes wrote down, and the database did not know yet
pictures/NAME     files of pictures, where they are in a folder
manifest.json     the size and SHA-256 of each of these: it says that nothing is missing

A stream of unknown length becomes numbered parts of 8 MB, so that memory stays flat.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from digest.backups.age import DAMAGED, NOT_A_BACKUP, DecryptingFile, EncryptingFile
from digest.backups.errors import BackupError
from digest.core.files import explain_reading

HEADER, SECRETS, MANIFEST = "header.json", "secrets.json", "manifest.json"
DATABASE, JOURNALS, PICTURES = "database", "journals", "pictures"
PART = 8 * 1024 * 1024  # bytes of a stream whose length nobody knows before its end


class Readable(Protocol):
    """A stream."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, or what is left."""


class ArchiveWriter:
    """Adds parts to a backup, and remembers their sizes and checksums."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        self._encrypting = EncryptingFile(target, passphrase)
        self._tar = tarfile.open(  # noqa: SIM115  `finish` closes it
            mode="w|", fileobj=self._encrypting, format=tarfile.PAX_FORMAT
        )
        self._parts: dict[str, dict[str, Any]] = {}

    def add_json(self, name: str, values: Any) -> None:
        """Add a document."""
        self.add(name, json.dumps(values, indent=1).encode())

    def add(self, name: str, octets: bytes) -> None:
        """Add a part from memory."""
        self._parts[name] = {"size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
        self._add(name, BytesIO(octets), len(octets))

    def add_stream(self, folder: str, source: Readable) -> None:
        """Add a stream of any length, in numbered parts of a folder."""
        number = 0
        while octets := source.read(PART):
            number += 1
            self.add(f"{folder}/{number:06}", octets)

    def finish(self) -> None:
        """Add the manifest; without this nobody takes the backup for whole."""
        octets = json.dumps({"parts": self._parts}).encode()
        self._add(MANIFEST, BytesIO(octets), len(octets))
        self._tar.close()
        self._encrypting.finish()

    def _add(self, name: str, source: BinaryIO, size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, source)
        self._tar.members.clear()  # type: ignore[attr-defined]  # it would grow with each


@contextmanager
def open_archive(path: Path, passphrase: str) -> Iterator["ArchiveReader"]:
    """Open a backup. Raises BackupError if it is not one, or the passphrase is wrong."""
    with explain_reading(path, BackupError):
        source = path.open("rb")
    with source:
        decrypting = DecryptingFile(source, passphrase)
        try:
            with tarfile.open(mode="r|", fileobj=decrypting) as tar:
                yield ArchiveReader(tar)
        except tarfile.ReadError as cause:
            raise BackupError(DAMAGED) from cause


class ArchiveReader:
    """Reads the parts of a backup in their order, each once."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each part; the last one is the manifest.

        Raises BackupError if a part is missing, or is not what the manifest says.
        """
        sums: dict[str, dict[str, Any]] = {}
        name = ""
        while member := self._tar.next():
            self._tar.members.clear()  # type: ignore[attr-defined]  # it would grow with each
            name, file = member.name, self._tar.extractfile(member)
            if file is None:
                raise BackupError(NOT_A_BACKUP)
            octets = file.read()
            if name == MANIFEST:
                if json.loads(octets)["parts"] != sums:
                    raise BackupError(DAMAGED)
            else:
                sums[name] = {"size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
            yield name, octets
        if name != MANIFEST:
            raise BackupError(DAMAGED)
