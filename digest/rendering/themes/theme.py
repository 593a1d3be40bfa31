"""The theme of a publication: its tokens (colours, fonts, corner, density), as templates need them.

Whatever the tokens, every text colour is readable on the grounds that it stands on (WCAG AA), by
day and by night.
"""

from dataclasses import dataclass
from typing import NamedTuple

from digest.rendering.themes.colours import make_readable, mix, text_on


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a publication chooses; an unknown name means the first of its kind."""

    accent: str = "#1d4e89"  # like this one, for light mode
    accent_dark: str = "#8ab8e6"
    background: str = "warm"  # a key of BACKGROUNDS
    fonts: str = "classic"  # a key of FONTS
    corner: str = "soft"  # a key of CORNERS
    density: str = "comfortable"  # a key of DENSITIES


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


class Fonts(NamedTuple):
    """Stacks of fonts that mail programs have, as CSS."""

    heading: str  # headlines
    text: str  # running text
    label: str  # everything else


class Spacing(NamedTuple):
    """Distances in CSS px."""

    block: int  # above and below a block
    story: int  # above and below the line between two stories
    pad: int  # at the sides


class _Base(NamedTuple):
    """The colours of one mode that are the same for every publication."""

    back: str
    sheet: str
    ink: str
    body: str
    soft: str
    rule: str
    tinted: float  # how much of the accent the tint takes, 0 to 1


_WARM_NIGHT = _Base("#111416", "#1b1f22", "#f1efea", "#cfd2d3", "#a3aaae", "#383f44", 0.10)
_PLAIN_NIGHT = _Base("#181818", "#181818", "#f2f2f2", "#d0d0d0", "#a8a8a8", "#3c3c3c", 0.10)
BACKGROUNDS: dict[str, tuple[_Base, _Base]] = {
    "warm": (
        _Base("#f0ede6", "#ffffff", "#16191b", "#363b3f", "#5d6469", "#dcd8cf", 0.06),
        _WARM_NIGHT,
    ),
    "white": (
        _Base("#ffffff", "#ffffff", "#131416", "#34383c", "#5d6469", "#dedede", 0.06),
        _PLAIN_NIGHT,
    ),
    "cool": (
        _Base("#e9edf2", "#ffffff", "#12171d", "#323a43", "#566069", "#d3dae2", 0.06),
        _Base("#0e1318", "#19202a", "#eef2f6", "#ccd3da", "#9fa9b3", "#343d47", 0.10),
    ),
    "tinted": (  # `back` takes the accent
        _Base("#ffffff", "#ffffff", "#16191b", "#363b3f", "#5a6166", "#dcdcdc", 0.06),
        _WARM_NIGHT,
    ),
}
_TINTED_BACK = 0.10  # the share of the accent

_SYSTEM = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_GEORGIA = "Georgia,'Times New Roman',Times,serif"
_PALATINO = "Palatino,'Palatino Linotype','Book Antiqua',Georgia,serif"
_VERDANA = "Verdana,Geneva,'Segoe UI',Tahoma,sans-serif"
_ARIAL = "Arial,'Helvetica Neue',Helvetica,sans-serif"
FONTS: dict[str, Fonts] = {
    "classic": Fonts(_GEORGIA, _GEORGIA, _SYSTEM),
    "modern": Fonts(_SYSTEM, _SYSTEM, _SYSTEM),
    "book": Fonts(_PALATINO, _PALATINO, _SYSTEM),
    "clear": Fonts(_VERDANA, _VERDANA, _VERDANA),
    "plain": Fonts(_ARIAL, _ARIAL, _ARIAL),
}
# Of the fonts above only some have Arabic and Hebrew letters; the system's would be a poor guess.
_RTL_SERIF = "'Times New Roman',Times,serif"
_RTL_SANS = "'Segoe UI',Tahoma,Arial,'Helvetica Neue',sans-serif"
_RTL_FONTS = {
    "classic": Fonts(_RTL_SERIF, _RTL_SERIF, _RTL_SANS),
    "book": Fonts(_RTL_SERIF, _RTL_SERIF, _RTL_SANS),
}
CORNERS = {"soft": 6, "square": 0, "round": 14}  # CSS px
DENSITIES = {"comfortable": Spacing(34, 24, 32), "compact": Spacing(24, 16, 28)}


@dataclass(frozen=True, slots=True)
class Theme:
    """What the templates need besides the content."""

    day: Palette
    night: Palette
    direction: str
    start: str
    end: str
    fonts: Fonts
    corner: int  # CSS px
    spacing: Spacing


def theme_of(tokens: Tokens, direction: str) -> Theme:
    """Return the theme of these tokens, for `ltr` or `rtl`."""
    start, end = ("right", "left") if direction == "rtl" else ("left", "right")
    day, night = BACKGROUNDS.get(tokens.background, BACKGROUNDS["warm"])
    if tokens.background == "tinted":
        readable = make_readable(tokens.accent, day.sheet)
        day = day._replace(back=mix(day.sheet, readable, _TINTED_BACK))
    return Theme(
        day=_palette(day, tokens.accent),
        night=_palette(night, tokens.accent_dark),
        direction=direction,
        start=start,
        end=end,
        fonts=_fonts(tokens.fonts, direction),
        corner=CORNERS.get(tokens.corner, CORNERS["soft"]),
        spacing=DENSITIES.get(tokens.density, DENSITIES["comfortable"]),
    )


def _fonts(name: str, direction: str) -> Fonts:
    if direction == "rtl":
        return _RTL_FONTS.get(name, Fonts(_RTL_SANS, _RTL_SANS, _RTL_SANS))
    return FONTS.get(name, FONTS["classic"])


def _palette(base: _Base, accent: str) -> Palette:
    """Colour what lies between paper and ink; each text colour is changed until it can be read."""
    text = make_readable(accent, base.sheet, base.back)
    tint = mix(base.sheet, text, base.tinted)
    grounds = (base.sheet, tint, base.back)
    return Palette(
        back=base.back,
        sheet=base.sheet,
        tint=tint,
        ink=base.ink,
        body=make_readable(base.body, *grounds),
        soft=make_readable(base.soft, *grounds),
        rule=base.rule,
        brand=text,
        accent=make_readable(text, *grounds),
        on_brand=text_on(text),
    )
