"""Pictures that tests draw, and files that only claim to be pictures."""

import io
import struct
import zlib
from typing import Any

import pi_heif
from PIL import Image

pi_heif.register_heif_opener()


def photo(width: int = 1200, height: int = 900, mode: str = "RGB") -> Image.Image:
    """A picture of many colours: red grows to the right, green downwards."""
    red = Image.linear_gradient("L").rotate(90).resize((width, height))
    green = Image.linear_gradient("L").resize((width, height))
    blue = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (red, green, blue)).convert(mode)


def quarters(width: int = 800, height: int = 800) -> Image.Image:
    """Red, green, blue and white quarters: what is where can be seen."""
    image = Image.new("RGB", (width, height), "white")
    half_width, half_height = width // 2, height // 2
    image.paste("red", (0, 0, half_width, half_height))
    image.paste("lime", (half_width, 0, width, half_height))
    image.paste("blue", (0, half_height, half_width, height))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def opened(body: bytes) -> Image.Image:
    """A file as a picture, decoded."""
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def png(width: int, height: int, data: bytes = b"", *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that claims these measures, whatever its pixels are."""
    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def bomb(side: int = 50_000) -> bytes:
    """A real PNG, all black, of some megabytes that inflate to gigabytes."""
    compress = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    rows = b"".join(compress.compress(row) for _ in range(side))
    return png(side, side, rows + compress.flush())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
