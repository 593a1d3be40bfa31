"""A wheel in a fresh environment, in an empty folder: `python -m tests.operations.wheel`.

Builds the wheel, installs it with what it needs, and runs `digest up` there as a user other than
root, until the sample's first digest is in the mailbox. `--python` names the interpreter of the
environment: one that other users may run, too, where this is started by root.
"""

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")
PATIENCE = 180  # seconds, for the first mail
USER = "nobody"  # whom root becomes


def main() -> int:
    """Print what was seen; return 0 if a digest came."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.wheel")
    parser.add_argument("--python", default=sys.executable, help="interpreter (this one)")
    options = parser.parse_args()
    if os.geteuid() == 0 and not can_run(options.python):
        parser.error(f"{USER} cannot run {options.python}. Name another interpreter with --python.")
    with tempfile.TemporaryDirectory(prefix="digest-wheel-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        wheel = build(folder)
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes")
        digest = install(folder / "environment", wheel, options.python)
        version = subprocess.run(
            [digest, "--version"], capture_output=True, text=True, check=True, timeout=60
        )
        print(version.stdout.strip())
        return 0 if receives_digest(digest, folder / "empty") else 1


def can_run(python: str) -> bool:
    """Say whether the user whom root becomes can run an interpreter."""
    try:
        subprocess.run([python, "-c", ""], user=USER, cwd="/", check=True, timeout=60)
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def build(folder: Path) -> Path:
    """Build the wheel of this code into a folder; return its path."""
    command = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=600)
    [wheel] = folder.glob("*.whl")
    return wheel


def install(environment: Path, wheel: Path, python: str) -> Path:
    """Install the wheel and all it needs, as pinned; return the path of `digest`."""
    subprocess.run(
        [python, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120
    )
    install_there = [*PIP, "--python", str(environment / "bin" / "python"), "install"]
    pins = str(ROOT / "requirements-embedded.txt")
    subprocess.run([*install_there, "--require-hashes", "-r", pins], check=True, timeout=600)
    subprocess.run([*install_there, "--no-deps", str(wheel)], check=True, timeout=120)
    return environment / "bin" / "digest"


def receives_digest(digest: Path, folder: Path) -> bool:
    """Run `digest up` in an empty folder until a mail is there; say what was seen."""
    folder.mkdir()
    start = time.monotonic()
    with running(digest, folder) as process:
        while time.monotonic() < start + PATIENCE and process.poll() is None:
            mails = [path for path in folder.glob("data/mailbox/new/*") if path.is_file()]
            if mails:
                owner = pwd.getpwuid(mails[0].stat().st_uid).pw_name
                print(f"A digest after {time.monotonic() - start:.0f} s, received by {owner}.")
                return True
            time.sleep(0.5)
    print("No digest came.", (folder / "output").read_text()[-3000:], sep="\n")
    return False


@contextmanager
def running(digest: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `digest up` in a folder as another user than root, without our environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "DIGEST_SAMPLE_HEAD_START": "-60"}
    user = USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [digest, "up", "--port", "0"],
            cwd=folder,
            env=environment,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


if __name__ == "__main__":
    sys.exit(main())
