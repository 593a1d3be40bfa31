"""The theme for one publication: its colours by day and by night, and the direction of text."""

from dataclasses import dataclass

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
    return Theme(_day(accent), _night(accent_dark), direction, start, end)


def _day(accent: str) -> Palette:
    text = make_readable(accent, "#ffffff", "#f0ede6")
    tint = mix("#ffffff", text, 0.06)
    return Palette(
        back="#f0ede6",
        sheet="#ffffff",
        tint=tint,
        ink="#16191b",
        body="#363b3f",
        soft="#5d6469",
        rule="#dcd8cf",
        brand=text,
        accent=make_readable(text, tint, "#f0ede6"),
        on_brand=text_on(text),
    )


def _night(accent: str) -> Palette:
    text = make_readable(accent, "#1b1f22")
    tint = mix("#1b1f22", text, 0.10)
    return Palette(
        back="#111416",
        sheet="#1b1f22",
        tint=tint,
        ink="#f1efea",
        body="#cfd2d3",
        soft="#a3aaae",
        rule="#383f44",
        brand=text,
        accent=make_readable(text, tint, "#111416"),
        on_brand=text_on(text),
    )
