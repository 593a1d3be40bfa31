"""Readable colours: WCAG 2.1 contrast, and a brand's accent adjusted until it has enough."""

import re

from digest.pictures.contrast import channels, contrast, luminance

__all__ = ["contrast", "make_readable", "mix", "text_on"]

READABLE = 4.5  # WCAG 2.1 §1.4.3, level AA
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def make_readable(colour: str, *grounds: str) -> str:
    """Return the colour, darkened or lightened just enough to be read as text on each ground."""
    extreme = "#000000" if luminance(*channels(grounds[0])) > 0.18 else "#ffffff"
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
    pairs = zip(channels(start), channels(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
