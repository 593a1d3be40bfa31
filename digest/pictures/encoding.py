"""From pixels to the files that are stored. Runs in the child only."""

import io

from PIL import Image

from digest.pictures.sizes import Focus, Size, crop, file_size

QUALITY = 82  # of a JPEG in a mail
MASTER_QUALITY = 92
PALETTE = 256  # colours


def master(image: Image.Image, kind: str) -> bytes:
    """Return the file that the sizes are made of."""
    return _png(image) if kind == "png" else _jpeg(image, MASTER_QUALITY)


def rendition(image: Image.Image, size: Size, focus: Focus, kind: str) -> bytes:
    """Return a size's file."""
    box = crop(size, *image.size, focus)
    pixels = file_size(size, *image.size)
    scaled = image.resize(pixels, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return _png(scaled) if kind == "png" else _jpeg(scaled, QUALITY)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=quality, progressive=True, optimize=True)
    return sink.getvalue()


def _png(image: Image.Image) -> bytes:
    """Return a PNG; one that nothing shows through has a palette, which a drawing fits into."""
    opaque = image.mode == "RGB"
    drawn = image.quantize(PALETTE, Image.Quantize.MEDIANCUT) if opaque else image
    sink = io.BytesIO()
    drawn.save(sink, "PNG", optimize=True)
    return sink.getvalue()
