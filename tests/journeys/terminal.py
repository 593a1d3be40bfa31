"""A second terminal beside a `digest up`, in which journeys run `digest …`, dozens of times.

Each command is a process of its own, which is forked from one that has loaded Digest: to load takes
most of the time of a short command. `python -m tests.journeys.terminal` is that process; a line of
its input is a command, a line of its output the result, both in JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn


class Terminal:
    """The process that commands are forked from; it ends with its input."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )

    def run(
        self, arguments: list[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, with more in its environment."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([arguments, environment]), file=self._process.stdin, flush=True)
        status, stdout, stderr = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(["digest", *arguments], status, stdout, stderr)

    def end(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> None:
    """Load Digest for the services in the environment; then run one command after the other."""
    from digest.core import env
    from digest.loading import modules_that_stay

    env.load_runtime_file(Path(os.environ["DIGEST_DATA_DIR"]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
    with modules_that_stay():
        import django
        from django.core.management import get_commands, load_command_class

        django.setup()
        for name, package in get_commands().items():
            if str(package).startswith("digest."):
                load_command_class(str(package), name)

    for line in sys.stdin:
        arguments, environment = json.loads(line)
        print(json.dumps(_run(arguments, environment)), flush=True)  # noqa: T201  read by `Terminal`


def _run(arguments: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a command in a child; return its exit status and what it wrote."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        pid = os.fork()
        if not pid:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(stdout.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            os.environ.update(environment)
            _become(arguments)
        _, status = os.waitpid(pid, 0)
        for file in (stdout, stderr):
            file.seek(0)
        return os.waitstatus_to_exitcode(status), stdout.read(), stderr.read()


def _become(arguments: list[str]) -> NoReturn:
    """Run `digest …` in this process, and end it."""
    from digest.cli.main import main

    status = 1
    try:
        status = main(arguments)
    except SystemExit as problem:
        status = problem.code if isinstance(problem.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
