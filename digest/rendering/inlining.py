"""Inline the theme's CSS into style attributes, as mail programs need it, without network access.

Style sheets marked `data-premailer="ignore"` (media queries, dark mode) stay as they are; their
`!important` overrides an inlined style.
"""

import logging
import re
from functools import lru_cache
from typing import Any

from premailer import Premailer

from digest.rendering.errors import RenderingError

_Rules = tuple[list[Any], list[Any]]  # those to inline, and those that no element can have

_ELEMENT = re.compile(r"<[a-zA-Z]")
_OPTIONS: dict[str, Any] = {
    "allow_network": False,  # or it would load the targets of <link>
    "allow_loading_external_files": False,
    "disable_validation": True,
    "disable_leftover_css": False,
    "align_floating_images": False,
    # The templates set these themselves: premailer would write height="auto" and float tables.
    "disable_basic_attributes": ["width", "height", "align"],
    "cssutils_logging_level": logging.CRITICAL,
}


class _Inliner(Premailer):  # type: ignore[misc]
    """Reads a style sheet once for all mails that have it: that is most of an inlining's time."""

    def _parse_style_rules(self, css_body: str | None, ruleset_index: int) -> _Rules:
        rules, leftover = _rules_of(css_body or "", ruleset_index)
        return list(rules), list(leftover)


@lru_cache(maxsize=64)  # a few for each publication
def _rules_of(css: str, index: int) -> _Rules:
    rules: _Rules = Premailer("<p>", **_OPTIONS)._parse_style_rules(css, index)  # noqa: SLF001
    return rules


def inline(html: str) -> str:
    """Return the document with its CSS inlined; about 10 ms, so once per issue.

    Raises RenderingError for one without an element, which only a publication's own template makes.
    """
    if not _ELEMENT.search(html):
        raise RenderingError(
            "The HTML of the mail is empty. Correct the publication's own template issue.html.j2."
        )
    inlined: str = _Inliner(html, **_OPTIONS).transform(pretty_print=False)
    return inlined
