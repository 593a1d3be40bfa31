"""What `digest up` says before anything runs, and when nobody hears it any more."""

import errno
import io
import os
from pathlib import Path

import pytest

from digest.embedded import up


@pytest.mark.parametrize(("name", "is_folder"), [("up.lock", True), ("logs", False)])
def test_a_path_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, *, is_folder: bool
) -> None:
    """Such as that of a file where a folder should be, or one that belongs to somebody else."""
    path = tmp_path / name
    path.mkdir() if is_folder else path.touch()
    assert up.main(["--port", "0", "--data", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert f"digest up: Cannot use {path}: " in error
    assert error.count("\n") == 1


class ClosedTerminal(io.StringIO):
    """A terminal that was closed."""

    def write(self, _text: str) -> int:
        """Fail as the kernel does."""
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_nothing_ends_because_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line about a process that was started again must not stop all of them."""
    monkeypatch.setattr("sys.stdout", ClosedTerminal())
    up.say("web ended (SIGKILL); started again.")
