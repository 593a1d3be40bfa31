"""What a backup begins with: its header, and the secret key. Needs no database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digest.backups.archive import HEADER, SECRETS, ArchiveReader, open_archive
from digest.backups.header import Header


def begin(archive: ArchiveReader) -> tuple[Header, dict[str, Any], Iterator[tuple[str, bytes]]]:
    """Return header, secrets, and an iterator over the parts that follow them."""
    parts = archive.parts()
    values = {name: json.loads(octets) for name, octets in (next(parts), next(parts))}
    return Header.read(values[HEADER]), values[SECRETS], parts


def read_secrets(path: Path, passphrase: str) -> dict[str, Any]:
    """Return the secret key of a backup, and its fallbacks, by setting. Raises BackupError."""
    with open_archive(path, passphrase) as archive:
        return begin(archive)[1]
