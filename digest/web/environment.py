"""Jinja for the public pages: everything escaped, with gettext and a few globals and filters."""

from datetime import UTC, datetime, tzinfo
from typing import Any

from babel import Locale, UnknownLocaleError, numbers
from django.templatetags.static import static
from django.urls import reverse
from django.utils import formats, translation
from jinja2 import Environment, StrictUndefined

from digest.core import clock, languages


def environment(**options: Any) -> Environment:
    """Return the environment that Django renders `templates/web` with."""
    options.update(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    options.setdefault("extensions", []).append("jinja2.ext.i18n")
    env = Environment(**options)  # noqa: S701  autoescape is set two lines above
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    env.policies["ext.i18n.trimmed"] = True
    env.globals.update(
        static=static,
        url=reverse,
        language=_language,
        direction=lambda: languages.direction(_language()),
        languages=languages.NAMES,
    )
    env.filters["moment"] = _moment
    env.filters["thousands"] = lambda number: numbers.format_decimal(number, locale=_language())
    env.filters["percent"] = lambda share: numbers.format_percent(
        share, "#,##0.0 %", locale=_language()
    )
    env.filters["language_name"] = _language_name
    env.filters["day"] = lambda moment: formats.date_format(moment, "DATE_FORMAT")
    return env


def _moment(moment: datetime, zone: tzinfo = UTC) -> str:
    """Say a moment in the active language, always with its zone."""
    if _language() == "en":
        return clock.format_moment(moment, zone)
    local_time = moment.astimezone(zone)
    return f"{formats.date_format(local_time, 'DATE_FORMAT')}, {local_time:%H:%M %Z}"


def _language_name(tag: str) -> str:
    """Return what a language calls itself, as far as that is known."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name()
    except (UnknownLocaleError, ValueError):
        name = None
    return name or tag


def _language() -> str:
    return languages.best_match(translation.get_language() or "")
