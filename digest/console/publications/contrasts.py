"""What a publication's logo and colours lack to be seen in mails; said when they are saved."""

from collections.abc import Iterator

from digest.core.errors import DigestError
from digest.core.http import fetch
from digest.newsletters.models import Publication
from digest.pictures import converting
from digest.pictures.contrast import contrast
from digest.rendering.themes.branding import publication_theme
from digest.rendering.themes.colours import READABLE
from digest.rendering.themes.theme import Palette

VISIBLE = 3.0  # WCAG 2.1 §1.4.11, for graphics


def warnings_of(publication: Publication, *, is_new_logo: bool) -> Iterator[str]:
    """Yield what should be better, each with its ratio; a new logo is fetched and looked at."""
    theme = publication_theme(publication, "ltr")
    own_dark = publication.accent_dark or theme.night.accent
    yield from _of_colour(publication.accent, theme.day, "light")
    yield from _of_colour(own_dark, theme.night, "dark")
    if publication.logo_url and is_new_logo:
        dark_url = publication.logo_dark_url
        palettes = {"light": theme.day} if dark_url else {"light": theme.day, "dark": theme.night}
        yield from _of_logo(publication.logo_url, palettes)
        if dark_url:
            yield from _of_logo(dark_url, {"dark": theme.night})


def _of_colour(colour: str, palette: Palette, scheme: str) -> Iterator[str]:
    """Yield a warning if links in a colour cannot be read; the theme changes it until they can."""
    ratio = contrast(colour, palette.sheet)
    if ratio < READABLE:
        yield (
            f"The colour {colour} has a contrast of {ratio:.1f}:1 on the {scheme} background; "
            f"text needs {READABLE}:1. Mails use {palette.accent} for links instead."
        )


def _of_logo(url: str, palettes: dict[str, Palette]) -> Iterator[str]:
    """Yield a warning for each background that a logo can hardly be seen on."""
    try:
        body = fetch(url, largest=converting.MAX_BYTES).body
        ratios = converting.contrasts(body, [palette.sheet for palette in palettes.values()])
    except DigestError as problem:
        yield f"The logo cannot be checked: {problem}"
        return
    for scheme, ratio in zip(palettes, ratios, strict=True):
        if ratio < VISIBLE:
            yield (
                f"The logo has a contrast of {ratio:.1f}:1 on the {scheme} background; it needs "
                f"{VISIBLE:.0f}:1 to be seen. Use one with a background or an outline of its own."
            )
