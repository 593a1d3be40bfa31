"""Back up, send an issue, lose the machine, restore, start: nobody gets a mail a second time.

    python -m tests.operations.restore [--subscribers 3000]

Twice: with a backup from just before the send, and with one from the middle of it. Everything runs
in processes of its own, in a new folder for each machine. tests/backups has the short form.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tests.services  # noqa: F401  names a secret key and the like
from tests.chaos.house import ROOT, House, wait_for

DIGEST = [sys.executable, "-c", "import sys; from digest.cli.main import main; sys.exit(main())"]
PATIENCE = 600  # seconds that a send may take
QUIET = 20  # seconds in which a restored installation gets the chance to send


def main(subscribers: int) -> int:
    """Try both; return 1 if a mail was sent again."""
    with tempfile.TemporaryDirectory(prefix="digest-restore-") as folder:
        results = [
            _try(Path(folder) / "before", subscribers, in_the_middle=False),
            _try(Path(folder) / "middle", subscribers, in_the_middle=True),
        ]
    return int(not all(results))


def _try(folder: Path, subscribers: int, *, in_the_middle: bool) -> bool:
    """Return whether nothing was sent again."""
    name = "the middle of the send" if in_the_middle else "just before the send"
    say(f"A backup from {name}, {subscribers:,} subscribers")
    folder.mkdir(parents=True)
    backup = folder / "digest.age"
    _send_and_back_up(folder / "first", backup, subscribers, in_the_middle=in_the_middle)
    shutil.rmtree(folder / "first")
    house = _machine(folder / "second")
    try:
        seconds = time.monotonic()
        _digest(house, "restore", str(backup))
        [(state,)] = house.query("SELECT state FROM issues_issue")
        say(
            f"  restored in {time.monotonic() - seconds:.1f} s on an empty machine; in the backup "
            f"the issue is {state} (take more subscribers if it is sent already)"
        )
        house.open()
        time.sleep(QUIET)
        early = len(house.recipients())
        values = _digest(house, "hold", "show")
        say(f"  started: {early} mails in {QUIET} s; held: {values['reason']}")
        released = _digest(house, "hold", "release", "--yes")
        time.sleep(QUIET)
        sent = len(house.recipients())
        say(f"  released: {sent} mails in {QUIET} s; issues paused: {released['paused']}")
    finally:
        house.close()
    return values["reason"] == "restored" and not sent


def _send_and_back_up(folder: Path, backup: Path, subscribers: int, *, in_the_middle: bool) -> None:
    house = _machine(folder)
    try:
        house.set_stage(subscribers)
        if not in_the_middle:
            _back_up(house, backup)
        house.open()
        if in_the_middle:
            wait_for(
                lambda: len(house.recipients()) > subscribers // 4, PATIENCE, "the first quarter"
            )
            before = len(house.recipients())
            _back_up(house, backup)
            say(f"  {before:,} mails were sent before it, {len(house.recipients()):,} after it")
        wait_for(house.is_over, PATIENCE, "the end of the send")
        say(f"  the issue went out: {len(set(house.recipients())):,} subscribers got it")
    finally:
        house.close()


def _back_up(house: House, backup: Path) -> None:
    seconds = time.monotonic()
    values = _digest(house, "backup", str(backup))
    say(f"  backup of {values['size'] / 1e6:.1f} MB in {time.monotonic() - seconds:.1f} s")


def _machine(folder: Path) -> House:
    folder.mkdir(parents=True)
    house = House(folder, tick=1)
    house.environment["DIGEST_BACKUP_PASSPHRASE"] = "correct horse battery"
    return house


def _digest(house: House, *arguments: str) -> Any:
    """Run a command, and return its answer."""
    done = run_digest(house, *arguments, "--json")
    if done.returncode:
        raise RuntimeError(f"digest {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def run_digest(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a house, whatever comes of it."""
    return subprocess.run(
        [*DIGEST, *arguments],
        env=house.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def read_subscribers(name: str, description: str, default: int) -> int:
    """Return the size that the command line of a script names."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    parser.add_argument("--subscribers", type=int, default=default, help=f"({default})")
    return int(parser.parse_args().subscribers)


if __name__ == "__main__":
    sys.exit(main(read_subscribers("tests.operations.restore", "Nobody gets a mail twice.", 3000)))
