"""The words of pages and notices in other languages: none is missing, none is stale."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings

from digest.core import languages

LOCALE = Path(settings.BASE_DIR) / "digest" / "locale"
METHODS = [
    ("digest/**.py", "python"),
    ("templates/web/**.j2", "jinja2"),
    ("templates/web/**.html", "jinja2"),
]
OTHERS = sorted(set(languages.NAMES) - {"en"})

Words = str | tuple[str, ...]


@pytest.fixture(scope="module")
def words() -> set[Words]:
    """All that our code and templates say through gettext."""
    options = {pattern: {"trimmed": "true"} for pattern, kind in METHODS if kind == "jinja2"}
    found = extract_from_dir(
        settings.BASE_DIR,
        method_map=METHODS,
        options_map=options,
        directory_filter=lambda path: Path(path).name not in {".venv", ".git", "data", "tests"},
    )
    return {message for _, _, message, _, _ in found if message}


@pytest.mark.parametrize("tag", OTHERS)
def test_everything_is_said_in_every_language(words: set[Words], tag: str) -> None:
    """The catalog holds exactly the words in use, each translated (`make messages`)."""
    catalog = read_po((LOCALE / tag / "LC_MESSAGES" / "django.po").open("rb"))
    said = {message.id for message in catalog if message.id and not message.fuzzy}
    assert said == words
    assert [message.id for message in catalog if message.id and not _full(message.string)] == []


@pytest.mark.parametrize("tag", OTHERS)
def test_translations_fill_the_same_places(tag: str) -> None:
    """Each %(name)s of the original stands in the translation too."""
    for message in read_po((LOCALE / tag / "LC_MESSAGES" / "django.po").open("rb")):
        one = message.id[-1] if isinstance(message.id, tuple | list) else message.id
        other = message.string[-1] if isinstance(message.string, tuple | list) else message.string
        assert _places(one) == _places(other), one


@pytest.mark.parametrize("tag", OTHERS)
def test_compiled_catalogs_are_up_to_date(tag: str) -> None:
    """What gettext reads is what the .po says."""
    folder = LOCALE / tag / "LC_MESSAGES"
    fresh = BytesIO()
    write_mo(fresh, read_po((folder / "django.po").open("rb")))
    fresh.seek(0)
    compiled = read_mo((folder / "django.mo").open("rb"))
    assert _pairs(compiled) == _pairs(read_mo(fresh))


def _pairs(catalog: Catalog) -> set[tuple[str, str]]:
    return {(str(message.id), str(message.string)) for message in catalog if message.id}


def _full(said: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(said) and (isinstance(said, str) or all(said or ()))


def _places(text: str | None) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text or ""))
