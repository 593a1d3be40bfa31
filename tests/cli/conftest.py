"""The console, run as a person runs it, but in this process and on the test's database."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from digest.cli.main import main
from digest.core import processors


class Result(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Digest = Callable[..., Result]


@pytest.fixture
def digest(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Digest]:
    """Run `digest …` and return what it said."""
    level = logging.getLogger("digest").level
    # The priority would be that of all tests that follow in this process.
    monkeypatch.setattr(processors, "lower_priority", lambda: None)

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        try:
            status: Any = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(status, captured.out, captured.err)

    yield run
    logging.getLogger("digest").setLevel(level)
