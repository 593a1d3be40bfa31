"""What the child does with a picture (digest.core.isolation). Used in the child only.

An answer is a line of JSON, which has the lengths of the files, and then the files.
"""

import io
import json
from collections.abc import Callable

from PIL import Image

from digest.pictures import decoding, encoding, visibility
from digest.pictures.errors import UnfitPictureError
from digest.pictures.sizes import Focus, Size


def warm_up() -> None:
    """Do nothing: what Pillow imports late is imported with `decoding`."""


def convert(body: bytes) -> bytes:
    """Check a picture that came; return its master and its sizes."""
    picture = decoding.decode(body)
    kind = "png" if picture.is_drawn else "jpeg"
    files = {"master": encoding.master(picture.image, kind)}
    files |= _sizes(picture.image, Focus(), kind)
    return _answer({"width": picture.width, "height": picture.height, "format": kind}, files)


def crop(body: bytes, x: float, y: float, kind: str) -> bytes:
    """Make the sizes of a master again, round another focus."""
    image = Image.open(io.BytesIO(body), formats=("JPEG", "PNG"))
    plain = image.convert("RGBA" if image.mode in {"RGBA", "LA"} else "RGB")
    return _answer({"width": 0, "height": 0, "format": kind}, _sizes(plain, Focus(x, y), kind))


def _sizes(image: Image.Image, focus: Focus, kind: str) -> dict[str, bytes]:
    return {size.name: encoding.rendition(image, size, focus, kind) for size in Size}


def _answer(details: dict[str, object], files: dict[str, bytes]) -> bytes:
    lengths = {name: len(content) for name, content in files.items()}
    head = json.dumps(details | {"files": lengths}).encode()
    return b"\n".join([head, b"".join(files.values())])


def contrast(body: bytes, grounds: list[str]) -> bytes:
    """Return as JSON how well a picture can be seen on each ground."""
    image = decoding.decode(body).image
    return json.dumps(visibility.contrasts(image, grounds)).encode()


PROBLEM = UnfitPictureError
JOBS: dict[str, Callable[..., bytes]] = {"convert": convert, "crop": crop, "contrast": contrast}
