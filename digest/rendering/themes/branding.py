"""A publication's theme: the tokens that it chose."""

from digest.newsletters.models import Publication
from digest.rendering.themes.theme import Theme, Tokens, theme_of


def tokens_of(publication: Publication) -> Tokens:
    """Return the tokens of a publication; the theme makes an accent readable in dark mode."""
    return Tokens(
        accent=publication.accent,
        accent_dark=publication.accent_dark or publication.accent,
        background=publication.background,
        fonts=publication.fonts,
        corner=publication.corner,
        density=publication.density,
    )


def publication_theme(publication: Publication, direction: str) -> Theme:
    """Return the theme of a publication's mails and pages, for `ltr` or `rtl`."""
    return theme_of(tokens_of(publication), direction)
