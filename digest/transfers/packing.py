"""The files of an export become one zip archive.

    bundle    several uploads as one file, as they are: quick, for a request that somebody waits for
    pack      one archive of what the files hold, archives among them unpacked: for a worker
    unbundle  the files of a bundle, each under a name of ours

An archive of 30 MB may unpack to 4 GB, which takes minutes.
"""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from digest.transfers import files

OnProgress = Callable[[float], None]  # gets the share that is done, from 0 to 1
NamedFiles = list[tuple[Path, str]]  # each with the name that it was uploaded under
_BLOCK = 1 << 20


def bundle(paths: NamedFiles, target: Path) -> None:
    """Write files with their names into one, as they are."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, (path, name) in enumerate(paths):
            archive.write(path, f"{number}/{_file_name(name)}")


def unbundle(path: Path, folder: Path) -> NamedFiles:
    """Write the files of a bundle into a folder; return them with their names."""
    paths: NamedFiles = []
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(archive.infolist()):
            target = folder / str(number)
            with archive.open(member) as stream, target.open("wb") as copy:
                shutil.copyfileobj(stream, copy, _BLOCK)
            paths.append((target, member.filename.partition("/")[2]))
    return paths


def pack(paths: NamedFiles, target: Path, on_progress: OnProgress = lambda _share: None) -> None:
    """Write the files of an export, with their names, as one zip archive.

    One that is an archive already is taken as it is; of several, what is in the archives is taken.
    Raises TransferError for an archive that is damaged, or unpacks to too much.
    """
    if len(paths) == 1 and _is_zip(paths[0][0]):
        shutil.copyfile(paths[0][0], target)
        return
    packing = _Packing(target, on_progress, sum(_size_of(path) for path, _ in paths))
    with packing.archive:
        for number, (path, name) in enumerate(paths):
            packing.add(path, _file_name(name), number)


class _Packing:
    """An archive that is being written, and how far it is."""

    def __init__(self, target: Path, on_progress: OnProgress, total: int) -> None:
        self.archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._on_progress = on_progress
        self._total = max(total, 1)  # bytes; what archives claim, so it may be wrong
        self._done = 0
        self._left = files.LARGEST_TOTAL  # of all archives together

    def add(self, path: Path, name: str, number: int) -> None:
        """Write a file, or what an archive holds; `number` tells those of one name apart."""
        if _is_zip(path):
            self._add_members(path, number)
            return
        unique = f"{number}/{name}" if name in self.archive.namelist() else name
        with path.open("rb") as stream, self.archive.open(unique, "w", force_zip64=True) as member:
            while block := stream.read(_BLOCK):
                self._write(member, block)

    def _add_members(self, path: Path, number: int) -> None:
        with files.opened(path, self._left) as export:
            for name in export.names:
                with self.archive.open(f"{number}/{name}", "w", force_zip64=True) as member:
                    for block in export.blocks(name):
                        self._write(member, block)
            self._left = export.left

    def _write(self, member: IO[bytes], block: bytes) -> None:
        member.write(block)
        self._done += len(block)
        self._on_progress(min(1.0, self._done / self._total))


def _size_of(path: Path) -> int:
    """Return the bytes of a file, or those that an archive says it holds."""
    if not _is_zip(path):
        return path.stat().st_size
    with files.opened(path) as export:
        return export.claimed_size


def _file_name(name: str) -> str:
    return Path(name).name or "export"


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"
