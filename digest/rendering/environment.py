"""Jinja for templates of mails, ours and a publication's; for what editors write, see `sandbox`."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from traceback import extract_tb
from typing import Any

from django.conf import settings
from django.utils import translation
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

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
from digest.rendering.errors import TemplateOverrideError
from digest.rendering.wrapping import underline, wrap

_TEMPLATES = settings.TEMPLATES_ROOT / "mail"
_OPTIONS: dict[str, Any] = {
    "autoescape": select_autoescape(["html.j2"], default=False),
    "undefined": StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "extensions": ["jinja2.ext.i18n"],
}


# What an expression of a template can raise; a bug of ours has none of its frames and is raised.
_PROBLEMS = (
    *(TemplateError, TypeError, ValueError, LookupError, ArithmeticError),
    *(AttributeError, RecursionError, AssertionError),
)


class _OwnLoader(FileSystemLoader):
    """Loads a publication's files; one that cannot be read is an error of that file."""

    def get_source(self, environment: Environment, template: str) -> Any:
        """Return the source of a template, as Jinja's loaders do."""
        try:
            return super().get_source(environment, template)
        except (OSError, UnicodeDecodeError) as problem:
            if isinstance(problem, TemplateNotFound):
                raise
            raise TemplateOverrideError(
                template, 1, f"it is not a text in UTF-8: {problem}"
            ) from problem


def render(template: str, values: dict[str, Any], language: str, publication: str = "") -> str:
    """Render a template of `templates/mail` in a language.

    `*.html.j2` escapes everything, `*.txt.j2` nothing. Files of the same name in
    DIGEST_TEMPLATES_DIR/<slug of the publication> stand before ours, and run in Jinja's sandbox.
    Raises TemplateOverrideError with file and line if one of them fails.
    """
    own = _folder_of(publication)
    with languages.override(language):
        if own is None:
            return _environment().get_template(template).render(values)
        with _located(own):
            return _own_environment(own).get_template(template).render(values)


@cache
def _environment() -> Environment:
    return _equipped(Environment(loader=FileSystemLoader(_TEMPLATES), **_OPTIONS))  # noqa: S701  it is in them


def _own_environment(folder: Path) -> Environment:
    """Return an environment that prefers the files of a folder; they may change at any time."""
    loader = ChoiceLoader([_OwnLoader(folder), FileSystemLoader(_TEMPLATES)])
    return _equipped(ImmutableSandboxedEnvironment(loader=loader, cache_size=0, **_OPTIONS))


def _equipped(env: Environment) -> Environment:
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    env.filters.update(
        wrap=wrap, underline=underline, bdi=bdi, dir_attribute=dir_attribute, set_lines=set_lines,
        set_by_letters=set_by_letters,
        unlinked=unlinked,
        isolate_name=isolate_name, isolate_address=isolate_address,
    )  # fmt: skip
    return env


def _folder_of(publication: str) -> Path | None:
    """Return the folder of a publication's own templates, if it has one."""
    root = settings.DIGEST_TEMPLATES_DIR
    is_name = publication == Path(publication).name not in {"", ".."}
    folder = Path(root) / publication if root and is_name else None
    return folder if folder and folder.is_dir() else None


@contextmanager
def _located(folder: Path) -> Iterator[None]:
    """Turn what a template raises into an error that names its file and line."""
    try:
        yield
    except TemplateSyntaxError as problem:
        raise TemplateOverrideError(problem.name or "", problem.lineno, str(problem)) from problem
    except _PROBLEMS as problem:
        frames = extract_tb(problem.__traceback__)
        own = [frame for frame in frames if frame.filename.startswith(str(folder))]
        if not own:
            raise
        name = str(Path(own[-1].filename).relative_to(folder))
        raise TemplateOverrideError(name, own[-1].lineno or 0, str(problem)) from problem
