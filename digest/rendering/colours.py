"""Colours that can be read: WCAG 2.1 contrast, and a brand's accent moved until it has enough."""

import re

READABLE = 4.5  # WCAG 2.1 §1.4.3, level AA
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours like `#1d4e89`, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, *grounds: str) -> str:
    """Return the colour, darkened or lightened just enough to be read as text on each ground."""
    away = "#000000" if _luminance(grounds[0]) > 0.18 else "#ffffff"
    start = colour if _HEX.fullmatch(colour) else away
    for step in range(21):
        tried = mixed(start, away, step / 20)
        if all(contrast(tried, ground) >= READABLE for ground in grounds):
            return tried
    return away


def text_on(ground: str) -> str:
    """Return white or a near black, whichever is read better on the ground."""
    return max("#ffffff", "#14171a", key=lambda ink: contrast(ink, ground))


def mixed(one: str, other: str, share: float) -> str:
    """Return a colour on the way from one (share 0) to the other (share 1)."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
