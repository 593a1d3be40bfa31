"""Readable colours: WCAG 2.1 contrast, and a brand's accent adjusted until it has enough."""

import re

READABLE = 4.5  # WCAG 2.1 §1.4.3, level AA
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def contrast(colour: str, ground: str) -> float:
    """Return the contrast ratio of two colours like `#1d4e89`, from 1 to 21."""
    dark, light = sorted((_luminance(colour), _luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def make_readable(colour: str, *grounds: str) -> str:
    """Return the colour, darkened or lightened just enough to be read as text on each ground."""
    extreme = "#000000" if _luminance(grounds[0]) > 0.18 else "#ffffff"
    start = colour if _HEX.fullmatch(colour) else extreme
    for step in range(21):
        candidate = mix(start, extreme, step / 20)
        if all(contrast(candidate, ground) >= READABLE for ground in grounds):
            return candidate
    return extreme


def text_on(ground: str) -> str:
    """Return white or near-black, whichever has more contrast on the ground."""
    return max("#ffffff", "#14171a", key=lambda ink: contrast(ink, ground))


def mix(start: str, end: str, share: float) -> str:
    """Return a colour between start (share 0) and end (share 1)."""
    pairs = zip(_channels(start), _channels(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
