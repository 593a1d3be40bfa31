"""The theme for one publication: its colours by day and by night, and the direction of text."""

from dataclasses import dataclass
from typing import NamedTuple

from digest.rendering.colours import make_readable, mix, text_on


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one mode; every text colour is readable (WCAG AA) on `sheet` and `tint`."""

    back: str
    sheet: str
    tint: str
    ink: str
    body: str
    soft: str
    rule: str
    brand: str  # the accent for surfaces
    accent: str  # the accent for text
    on_brand: str


class _Base(NamedTuple):
    """The colours of one mode that are the same for every publication."""

    back: str
    sheet: str
    ink: str
    body: str
    soft: str
    rule: str
    tinted: float  # how much of the accent the tint takes, 0 to 1


_DAY = _Base("#f0ede6", "#ffffff", "#16191b", "#363b3f", "#5d6469", "#dcd8cf", 0.06)
_NIGHT = _Base("#111416", "#1b1f22", "#f1efea", "#cfd2d3", "#a3aaae", "#383f44", 0.10)
_SHARED = ("back", "sheet", "ink", "body", "soft", "rule")


@dataclass(frozen=True, slots=True)
class Theme:
    """What the templates need besides the content."""

    day: Palette
    night: Palette
    direction: str
    start: str
    end: str


def theme_of(accent: str, accent_dark: str, direction: str) -> Theme:
    """Return the theme in a publication's colours, for `ltr` or `rtl`."""
    start, end = ("right", "left") if direction == "rtl" else ("left", "right")
    return Theme(_palette(_DAY, accent), _palette(_NIGHT, accent_dark), direction, start, end)


def _palette(base: _Base, accent: str) -> Palette:
    """Colour what lies between paper and ink; the accent is changed until it can be read."""
    text = make_readable(accent, base.sheet, base.back)
    tint = mix(base.sheet, text, base.tinted)
    return Palette(
        **{name: getattr(base, name) for name in _SHARED},
        tint=tint,
        brand=text,
        accent=make_readable(text, tint, base.back),
        on_brand=text_on(text),
    )
