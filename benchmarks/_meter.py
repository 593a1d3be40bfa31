"""What a run uses: CPU seconds by who used them, and octets of WAL."""

import os
from pathlib import Path

import psutil


class Meter:
    """What was used since `begin`: CPU seconds by process, and octets of WAL."""

    def __init__(self, sinking: psutil.Process) -> None:
        self._sinking = sinking

    def begin(self) -> None:
        """Measure from now on."""
        self._wal, self._cpu = _wal_octets(), cpu_by_process(self._sinking)

    def read(self) -> tuple[dict[str, float], int]:
        """Return what was used."""
        used = {
            process: now - self._cpu[process]
            for process, now in cpu_by_process(self._sinking).items()
        }
        return used, _wal_octets() - self._wal


def _wal_octets() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def cpu_by_process(sinking: psutil.Process) -> dict[str, float]:
    """Return the CPU seconds used so far by process."""
    children = psutil.Process().cpu_times()
    return {
        "sender": children.user
        + children.system
        + children.children_user
        + children.children_system,
        "sink": cpu_seconds(sinking),
        "PostgreSQL": sum(map(cpu_seconds, _postgres())),
    }


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds used so far by a process, and by its children that have ended.

    0 for one that ends at this moment: it is among its parent's from now on.
    """
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _postgres() -> list[psutil.Process]:
    # A backend that has ended is among the children of the server, once it is waited for.
    from digest.embedded import postgres

    server = postgres.running(Path(os.environ["DIGEST_DATA_DIR"]) / "postgres")
    return [server, *server.children()] if server else []
