"""Contrast of colours, as WCAG 2.1 defines it."""


def contrast(colour: str, ground: str) -> float:
    """Return the contrast ratio of two colours like `#1d4e89`, from 1 to 21."""
    return ratio(luminance(*channels(colour)), luminance(*channels(ground)))


def ratio(first: float, second: float) -> float:
    """Return the contrast ratio of two relative luminances."""
    dark, light = sorted((first, second))
    return (light + 0.05) / (dark + 0.05)


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, each from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(red: int, green: int, blue: int) -> float:
    """Return the relative luminance of a colour, from 0 to 1; each channel is 0 to 255."""
    linear = (_linear(channel / 255) for channel in (red, green, blue))
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
