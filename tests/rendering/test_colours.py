"""Colours that can be read, whatever accent a publication has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.newsletters.choices import Background, Corner, Density, Fonts
from digest.rendering.themes import theme
from digest.rendering.themes.colours import READABLE, contrast, make_readable, text_on
from digest.rendering.themes.theme import BACKGROUNDS, Tokens, theme_of

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_of_extremes() -> None:
    """Black on white is 21, a colour on itself 1 (WCAG 2.1)."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#336699", "#336699") == 1


@given(COLOURS, COLOURS, st.sampled_from([*BACKGROUNDS, "unknown"]))
def test_every_text_of_the_theme_is_readable(
    accent: str, accent_dark: str, background: str
) -> None:
    """By day and by night every text colour has AA contrast on every ground it stands on."""
    theme = theme_of(Tokens(accent, accent_dark, background), "ltr")
    for palette in (theme.day, theme.night):
        assert contrast(palette.on_brand, palette.brand) >= READABLE
        for ground in (palette.sheet, palette.tint, palette.back):
            for ink in (palette.ink, palette.body, palette.soft, palette.accent):
                assert contrast(ink, ground) >= READABLE


def test_good_accent_is_kept() -> None:
    """An accent that can be read is not touched."""
    assert make_readable("#1d4e89", "#ffffff") == "#1d4e89"


def test_junk_is_no_colour() -> None:
    """What is not a colour becomes one that can be read."""
    assert make_readable("red;}", "#ffffff") == "#000000"
    assert text_on("#ffff00") == "#14171a"


def test_every_choice_has_its_tokens() -> None:
    """What the console offers is what the theme knows."""
    assert set(Background.values) == set(theme.BACKGROUNDS)
    assert set(Fonts.values) == set(theme.FONTS)
    assert set(Corner.values) == set(theme.CORNERS)
    assert set(Density.values) == set(theme.DENSITIES)
