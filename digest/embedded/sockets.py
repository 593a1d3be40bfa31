"""Where a server that we start has its unix socket: in its own folder, or in one with a short name.

A socket's path has 104 bytes at most on macOS, 108 on Linux, and it is part of a shell's command
and of addresses, in which a space, a semicolon or a question mark would mean something.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from digest.embedded.errors import EmbeddedError

_LONGEST = 100  # bytes
_PLAIN = re.compile(r"[A-Za-z0-9_./+=@-]+")


def folder_for(folder: Path, name: str) -> Path:
    """Return the folder for a socket `name` of the server of `folder`; it exists.

    The same folder gives the same place each time, so that restarts leave nothing behind.
    """
    folder = folder.resolve()
    inside = str(folder / name)
    if len(os.fsencode(inside)) <= _LONGEST and _PLAIN.fullmatch(inside):
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"digest-{os.getuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.lstat().st_uid != os.getuid() or short.is_symlink():
        raise EmbeddedError(f"{short} belongs to someone else; remove it, or use a shorter --data.")
    return short
