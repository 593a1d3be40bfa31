"""Jinja for Digest's own mail templates; for what editors write, see `sandbox`."""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from digest.core import languages
from digest.rendering.blocks.phishing import unlinked
from digest.rendering.directions import (
    bdi,
    dir_attribute,
    isolate_address,
    isolate_name,
    set_by_letters,
    set_lines,
)
from digest.rendering.wrapping import underline, wrap


def render(template: str, values: dict[str, Any], language: str) -> str:
    """Render a template of `templates/mail` in a language.

    `*.html.j2` escapes everything, `*.txt.j2` nothing.
    """
    with languages.override(language):
        return _environment().get_template(template).render(values)


def css_url(url: str) -> str:
    """Return a web address for `url('…')` in a style sheet; its quotes would end it."""
    return url.replace("'", "%27").replace("(", "%28").replace(")", "%29")


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(settings.BASE_DIR / "templates" / "mail"),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    env.filters.update(
        wrap=wrap, underline=underline, bdi=bdi, dir_attribute=dir_attribute, set_lines=set_lines,
        set_by_letters=set_by_letters,
        unlinked=unlinked, css_url=css_url,
        isolate_name=isolate_name, isolate_address=isolate_address,
    )  # fmt: skip
    return env
