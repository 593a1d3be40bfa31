"""Let the disk fill up in the middle of a send: it stops, says so, and goes on; nothing twice.

    python -m tests.operations.disk [--subscribers 3000]

Twice, with real processes: the disk of the journals is full (a tmpfs of 40 MB), then that of
PostgreSQL (one of 300 MB), which ends when it cannot write its log: what was in flight then may be
sent twice, and is uncertain before, as at any crash. Needs root on Linux, to mount them.
tests/sending/test_full_disk.py has the short form.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tests.services  # noqa: F401  names a secret key and the like
from tests.chaos.house import House, wait_for
from tests.operations.restore import PATIENCE, read_subscribers, run_digest, say

UNCERTAIN = "SELECT count(*) FROM sending_delivery WHERE times_uncertain > 0"
FULL = 15  # seconds that the disk stays full


def main(subscribers: int) -> int:
    """Try both; return 1 if somebody got the issue twice, or not at all."""
    with tempfile.TemporaryDirectory(prefix="digest-disk-") as folder:
        results = [
            _try(Path(folder), "journals", 40, subscribers),
            _try(Path(folder), "PostgreSQL", 300, subscribers),
        ]
    return int(not all(results))


def _try(folder: Path, name: str, megabytes: int, subscribers: int) -> bool:
    say(f"The disk of {name} is full, {subscribers:,} subscribers")
    disk = folder / f"{name}-disk"
    with _mounted(disk, megabytes):
        house = _house(folder / name, disk, is_database=name == "PostgreSQL")
        try:
            house.set_stage(subscribers)
            house.open()
            wait_for(
                lambda: len(house.recipients()) > subscribers // 4, PATIENCE, "the first quarter"
            )
            filler = disk / "filler"
            _fill(filler)
            time.sleep(FULL / 3)
            early = len(house.recipients())
            time.sleep(FULL)
            late = len(house.recipients())
            say(f"  full: {early:,} mails after {FULL / 3:.0f} s, {late:,} after {FULL} s more")
            _report(house)
            filler.unlink()
            freed_at = time.monotonic()
            while not house.is_over() and time.monotonic() < freed_at + PATIENCE:
                house.open()  # PostgreSQL ends when it cannot write its log
                time.sleep(0.5)
            seconds = time.monotonic() - freed_at
            [(uncertain,)] = house.query(UNCERTAIN)
        finally:
            house.close()
    counts = Counter(house.recipients())
    repeats = sum(count - 1 for count in counts.values())
    say(
        f"  room again: {len(counts):,} subscribers have it after {seconds:.0f} s, "
        f"{repeats} got it twice; {uncertain} deliveries were uncertain before"
    )
    return len(counts) == subscribers and repeats <= int(str(uncertain))


def _house(folder: Path, disk: Path, *, is_database: bool) -> House:
    """Return processes whose journals, or whose PostgreSQL, are on the small disk."""
    folder.mkdir(parents=True)
    house = House(disk if is_database else folder, tick=1)
    house.accepted = folder / "accepted"
    house.accepted.touch()
    house.log = folder / "log"
    house.environment["DIGEST_DATA_DIR"] = str(folder if is_database else disk)
    return house


def _report(house: House) -> None:
    """Say what the doctor says, unless PostgreSQL is gone."""
    done = run_digest(house, "doctor")
    lines = [
        line.strip()
        for line in done.stdout.splitlines()
        if "free on the disk" in line or "until there is room" in line or "PostgreSQL" in line
    ]
    say("  doctor: " + (" / ".join(lines) or done.stderr.strip()))


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


@contextmanager
def _mounted(path: Path, megabytes: int) -> Iterator[None]:
    path.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], check=True, timeout=30
    )
    try:
        path.chmod(0o755)
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True, timeout=30)


if __name__ == "__main__":
    sys.exit(main(read_subscribers("tests.operations.disk", "A disk fills up in a send.", 3000)))
