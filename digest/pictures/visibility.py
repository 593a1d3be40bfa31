"""How well a logo can be seen on the colours it stands on. Runs in the child only."""

from PIL import Image

from digest.pictures.contrast import channels, luminance, ratio

SIDE = 200  # pixels that are looked at, each way
OPAQUE = 128  # of 255: below it a pixel hardly shows
SHARE = 0.05  # of the visible pixels has at least the contrast that is returned


def contrasts(image: Image.Image, grounds: list[str]) -> list[float]:
    """Return the contrast ratio of a picture's best visible twentieth with each ground.

    A logo is as visible as its most visible part: letters on a box of their own count, whatever the
    box stands on. 1.0 for a picture of which nothing shows.
    """
    small = image.convert("RGBA")
    small.thumbnail((SIDE, SIDE))
    samples = small.tobytes()
    pixels = [samples[start : start + 4] for start in range(0, len(samples), 4)]
    values = [luminance(*pixel[:3]) for pixel in pixels if pixel[3] >= OPAQUE]
    return [_best(values, luminance(*channels(ground))) for ground in grounds]


def _best(values: list[float], ground: float) -> float:
    ratios = sorted((ratio(value, ground) for value in values), reverse=True)
    return round(ratios[int(len(ratios) * SHARE)], 2) if ratios else 1.0
