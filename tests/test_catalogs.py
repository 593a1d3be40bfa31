"""The translation catalogs: every text of mails, pages and notices, none missing and none stale."""

import re
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import gettext, ngettext

from digest.core import languages
from digest.rendering.dates import format_full_date

LOCALE = Path(settings.BASE_DIR) / "digest" / "locale"
METHODS = [
    ("digest/**.py", "python"),
    ("templates/mail/**.j2", "jinja2"),
    ("templates/web/**.j2", "jinja2"),
    ("templates/web/**.html", "jinja2"),
]
TRANSLATED = sorted(set(languages.NAMES) - {languages.DEFAULT})
# Languages whose catalogs may lack translations; their readers see English instead.
PARTIAL: frozenset[str] = frozenset()

MessageId = str | tuple[str, ...]


@pytest.fixture(scope="module")
def message_ids() -> set[MessageId]:
    """Every text that code and templates pass to gettext."""
    options = {pattern: {"trimmed": "true"} for pattern, kind in METHODS if kind == "jinja2"}
    extracted = extract_from_dir(
        settings.BASE_DIR,
        method_map=METHODS,
        options_map=options,
        directory_filter=lambda path: Path(path).name not in {".venv", ".git", "data", "tests"},
    )
    return {message for _, _, message, _, _ in extracted if message}


def test_every_language_has_a_catalog() -> None:
    """A name in core.languages and a folder in digest/locale belong together."""
    assert sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir()) == TRANSLATED


@pytest.mark.parametrize("tag", TRANSLATED)
def test_catalogs_are_complete(message_ids: set[MessageId], tag: str) -> None:
    """A catalog holds exactly the texts in use, none fuzzy, each translated (`make messages`)."""
    catalog = _catalog(tag)
    assert {message.id for message in catalog if message.id} == message_ids
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    untranslated = [message.id for message in catalog if message.id and not all(_forms(message))]
    assert untranslated == [] or tag in PARTIAL


@pytest.mark.parametrize("tag", TRANSLATED)
def test_translations_have_the_same_placeholders(tag: str) -> None:
    """Each %(name)s of a text is in its translation; a form for one or two may omit the number."""
    for message in _catalog(tag):
        source = message.id[-1] if isinstance(message.id, tuple | list) else message.id
        *other_forms, general = _forms(message)
        if message.id and general:
            assert _placeholders(general) == _placeholders(source), source
            assert all(_placeholders(form) <= _placeholders(source) for form in other_forms)


@pytest.mark.parametrize("tag", TRANSLATED)
def test_compiled_catalogs_are_up_to_date(tag: str) -> None:
    """What gettext reads is what the .po says."""
    recompiled = BytesIO()
    write_mo(recompiled, _catalog(tag))
    recompiled.seek(0)
    compiled = read_mo((LOCALE / tag / "LC_MESSAGES" / "django.mo").open("rb"))
    assert _pairs(compiled) == _pairs(read_mo(recompiled))


@pytest.mark.parametrize("tag", TRANSLATED)
@pytest.mark.parametrize("count", [0, 1, 2, 5, 11, 100])
def test_plural_forms_are_chosen(tag: str, count: int) -> None:
    """Every number has a form, and it is translated."""
    texts = (
        "You still receive %(num)d other newsletter from %(publication)s.",
        "You still receive %(num)d other newsletters from %(publication)s.",
    )
    with languages.override(tag):
        text = ngettext(*texts, count)
    assert text not in texts
    assert text % {"num": count, "publication": "The Courier"}


@pytest.mark.parametrize(
    ("tag", "footer", "button"),
    [
        ("de-AT", "Abbestellen", "Abonnement bestätigen"),
        ("pt-BR", "Cancelar inscrição", "Confirmar inscrição"),
        ("ar", "إلغاء الاشتراك", "تأكيد الاشتراك"),
        ("ja", "Unsubscribe", "Confirm subscription"),
    ],
)
def test_mails_and_notices_share_a_language(tag: str, footer: str, button: str) -> None:
    """One set of catalogs: a German newsletter has a German footer and a German confirmation."""
    with languages.override(tag):
        assert (gettext("Unsubscribe"), gettext("Confirm subscription")) == (footer, button)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("en", "Monday, 23 November 2026"),
        ("en-US", "Monday, November 23, 2026"),
        ("de-AT", "Montag, 23. November 2026"),
        ("fr", "lundi, 23 novembre 2026"),
        ("he", "שני, 23 בנובמבר 2026"),
        ("ja", "2026年11月23日 月曜日"),
        ("xx", "Monday, 23 November 2026"),
    ],
)
def test_dates_are_written_in_the_newsletters_language(tag: str, text: str) -> None:
    """In every language that Django formats dates in, also without a catalog of ours."""
    assert format_full_date(date(2026, 11, 23), tag) == text


def _catalog(tag: str) -> Catalog:
    return read_po((LOCALE / tag / "LC_MESSAGES" / "django.po").open("rb"))


def _forms(message: Message) -> list[str]:
    text = message.string
    return list(text) if isinstance(text, tuple | list) else [text or ""]


def _pairs(catalog: Catalog) -> set[tuple[str, str]]:
    return {(str(message.id), str(message.string)) for message in catalog if message.id}


def _placeholders(text: str | None) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text or ""))
