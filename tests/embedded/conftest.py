"""An embedded installation without its processes: its addresses and a data folder."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def embedded(settings: Settings, tmp_path: Path) -> Path:
    """Serve the embedded pages out of a data folder of this test; return the folder."""
    settings.ROOT_URLCONF = "tests.embedded.urls"
    settings.DIGEST_EMBEDDED = True
    settings.DIGEST_DATA_DIR = tmp_path
    settings.DIGEST_BASE_URL = "http://testserver"
    return tmp_path
