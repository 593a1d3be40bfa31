"""From bytes that claim to be a picture to plain pixels. Runs in the child only.

Orientation is applied, colours are sRGB, metadata is gone, and nothing is larger than mails need.
"""

import io
import struct
from typing import NamedTuple

import pi_heif
from PIL import AvifImagePlugin, Image, ImageCms, UnidentifiedImageError

from digest.pictures.errors import UnfitPictureError
from digest.pictures.sizes import MIN_SIDE

MAX_PIXELS = 50_000_000  # a telephone's camera has 12 to 50 million
LONGEST_SIDE = 2400  # pixels that are kept
SHORTEST_SIDE = 1200  # pixels that are kept of a very long or high picture
FEW_COLOURS = 64  # a photograph in greys has more
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF")
READABLE = "Use JPEG, PNG, WebP, AVIF, HEIC or GIF."
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ZeroDivisionError,
    struct.error,
    RuntimeError,
)

Image.init()
Image.MAX_IMAGE_PIXELS = None  # ours is checked below, in our words
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
pi_heif.options.DECODE_THREADS = 1


class Decoded(NamedTuple):
    """A picture as RGB or RGBA, and its width and height before it was made smaller."""

    image: Image.Image
    width: int
    height: int
    is_drawn: bool  # something shows through, or there are few colours


def decode(body: bytes) -> Decoded:
    """Return the picture in `body`, of an animation the first frame.

    Raises UnfitPictureError with what is wrong, MemoryError.
    """
    image = _open(body)
    width, height = image.size
    try:
        image = _load(image)
        samples = _in_eight_bits(image)
        is_drawn = samples.getcolors(FEW_COLOURS) is not None
        plain = _normalize(samples, image.info.get("icc_profile"), _orientation(image))
        upright = _upright(image, width, height)
        return Decoded(plain, *upright, is_drawn=is_drawn or plain.mode == "RGBA")
    except _BROKEN as cause:
        raise UnfitPictureError("The file is broken or cut off. Save it again.") from cause


def _open(body: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(body), formats=FORMATS)
    except UnidentifiedImageError as cause:
        raise UnfitPictureError(_name_other(body)) from cause
    except _BROKEN as cause:
        raise UnfitPictureError("The file is broken or cut off. Save it again.") from cause
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnfitPictureError(
            f"It has {width:,} by {height:,} pixels, which is more than "
            f"{MAX_PIXELS // 1_000_000} million. Make it smaller."
        )
    if min(width, height) < MIN_SIDE:
        raise UnfitPictureError(
            f"It has only {width} by {height} pixels. The least is {MIN_SIDE} by {MIN_SIDE}."
        )


def _name_other(body: bytes) -> str:
    """Return what is wrong with a file of another kind."""
    head = body[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not body:
        return "The file is empty."
    if head.startswith(b"<") and b"<svg" in head:
        return "This is an SVG drawing, which most mail programs do not show. Save it as PNG."
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return f"This is a web page, not a picture. {READABLE}"
    if head.startswith(b"%pdf"):
        return f"This is a PDF document, not a picture. {READABLE}"
    return f"This is not a picture that can be read. {READABLE}"


def _load(image: Image.Image) -> Image.Image:
    """Decode the first frame; a JPEG that is too large is made smaller while it is decoded."""
    image.draft(image.mode, kept_size(*image.size))
    image.seek(0)
    image.load()
    return image


def kept_size(width: int, height: int) -> tuple[int, int]:
    """Return the pixels that are kept of a picture with these."""
    scale = max(LONGEST_SIDE / max(width, height), min(1.0, SHORTEST_SIDE / min(width, height)))
    scale = min(scale, 1.0)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _normalize(image: Image.Image, profile: bytes | None, orientation: int) -> Image.Image:
    """Return RGB, or RGBA where something shows through, the right way up, without metadata."""
    smaller = image.resize(kept_size(*image.size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    turned = smaller.transpose(_TURNS[orientation]) if orientation in _TURNS else smaller
    return _bare(_in_srgb(turned, profile))


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Return L, RGB, RGBA or CMYK, of which every sample has eight bits."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in {"L", "RGB", "RGBA", "CMYK"}:
        return image
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return RGB or RGBA in sRGB; a profile that cannot be read is ignored."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    if profile:
        colours = _converted(colours, profile)
    colours = colours.convert("RGB")
    if alpha and alpha.getextrema()[0] != 255:
        colours.putalpha(alpha)
    return colours


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, own, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, *_BROKEN):
        return image
    return converted or image


def _bare(image: Image.Image) -> Image.Image:
    """Return the pixels alone: Pillow would write a comment or a profile of `info` again."""
    image.info = {}
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except _BROKEN:
        return 1  # broken metadata is not a reason to refuse a picture


def _upright(image: Image.Image, width: int, height: int) -> tuple[int, int]:
    return (height, width) if _orientation(image) in {5, 6, 7, 8} else (width, height)


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
