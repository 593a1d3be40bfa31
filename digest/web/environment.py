"""Jinja for the public pages: everything escaped, a few words added."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import Environment, StrictUndefined

from digest.core import clock


def environment(**options: Any) -> Environment:
    """Return the environment that Django renders `templates/web` with."""
    options.update(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env = Environment(**options)  # noqa: S701  autoescape is set two lines above
    env.globals.update(static=static, url=reverse)
    env.filters["spoken"] = clock.spoken
    return env
