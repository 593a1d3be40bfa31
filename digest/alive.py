"""Whether the process of this container runs: `python -m digest.alive web|worker|beat|inbound`.

For health checks of containers and supervisors, which ask every few seconds: nothing but Python's
own library is loaded. Web is asked for `/readyz`, inbound for its greeting; worker and beat touch a
file whenever their loop turns. Exit status 0: it runs; 1: it does not, and a line says why.

`notify` lets a supervisor know that a worker or beat is ready, so that it stops the old one then
and not before.
"""

import os
import socket
import sys
import tempfile
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

SILENT_AFTER = 60  # seconds without a tick; beat ticks every 5, a worker every 2
PORTS = {"web": 8000, "inbound": 8025}
TIMEOUT = 4  # seconds


def main(arguments: list[str]) -> int:
    """Check the process that is named, at its usual port or at the one that follows."""
    process = arguments[0] if arguments else ""
    if process not in {"web", "worker", "beat", "inbound"}:
        return _fail("Name a process: web, worker, beat or inbound; then its port, if need be.")
    if process in {"worker", "beat"}:
        problem = _check_tick(process)
    else:
        port = _port(arguments[1]) if len(arguments) > 1 else PORTS[process]
        if not port:
            return _fail(f"{arguments[1]!r} is not a port.")
        problem = _check_pages(port) if process == "web" else _check_greeting(port)
    return _fail(problem) if problem else 0


def _port(text: str) -> int:
    """Read a port; 0 if it is not one."""
    return int(text) if text.isascii() and text.isdecimal() and 0 < int(text) < 65_536 else 0


def tick(process: str) -> None:
    """Let this machine know that the loop of a process turns."""
    path = tick_path(process)
    try:
        path.touch(mode=0o600)
    except OSError as problem:
        # A full disk must not stop the mail; the health check will report it.
        print(f"{path} cannot be written: {problem}", file=sys.stderr)  # noqa: T201


def notify(state: str) -> None:
    """Send `READY=1` or `STOPPING=1` to the supervisor, if it listens: sd_notify(3) of systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.connect("\0" + address[1:] if address.startswith("@") else address)
            supervisor.sendall(state.encode())
    except OSError as problem:
        print(f"{address} cannot be notified: {problem}", file=sys.stderr)  # noqa: T201


def tick_path(process: str) -> Path:
    """Return the file whose time is that of the last tick."""
    return Path(tempfile.gettempdir()) / f"digest-{os.getuid()}-{process}.tick"


def _check_tick(process: str) -> str:
    try:
        age = time.time() - tick_path(process).stat().st_mtime
    except FileNotFoundError:
        return f"No {process} has started here."
    return f"The {process} was last heard {age:.0f} s ago." if age > SILENT_AFTER else ""


def _check_pages(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        response = connection.getresponse()
        return "" if response.status == 200 else response.read(2_000).decode(errors="replace")
    except (OSError, HTTPException) as problem:
        return f"The web process does not answer at port {port}: {problem}"
    finally:
        connection.close()


def _check_greeting(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
            greeting = connection.recv(512)
    except OSError as problem:
        return f"Mail is not received at port {port}: {problem}"
    return "" if greeting.startswith(b"220") else f"Mail is not received: {greeting!r}"


def _fail(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
