"""The console, run as a person runs it, but in this process and on the test's database."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from digest.cli.main import main


class Said(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Digest = Callable[..., Said]


@pytest.fixture
def digest(capsys: pytest.CaptureFixture[str]) -> Iterator[Digest]:
    """Run `digest …` and return what it said."""
    level = logging.getLogger("digest").level

    def run(*words: object) -> Said:
        capsys.readouterr()
        try:
            status: Any = main([str(word) for word in words])
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(status, said.out, said.err)

    yield run
    logging.getLogger("digest").setLevel(level)
