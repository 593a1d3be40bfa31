"""Converts pictures in a child process, under limits of the kernel.

A stranger's picture can claim any size and exploit any fault of a decoder, so its bytes are read
there alone; what comes back was written by us.
"""

import json
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from digest.core.isolation import Isolation, KilledError, UnavailableError, UnreadableError
from digest.core.isolation.process import Limits
from digest.pictures.errors import PicturesUnavailableError, UnfitPictureError
from digest.pictures.sizes import Focus, Size

MAX_BYTES = 25_000_000
MEMORY = 1024**3  # bytes; 50 million pixels take 200 MB, some decoders need them three times

CONVERTER = Isolation(
    "digest.pictures.jobs", Limits(cpu_seconds=20, memory=MEMORY, max_children=1, max_jobs=100)
)


@dataclass(frozen=True, slots=True)
class ConvertedPicture:
    """A picture that was checked: its width and height as it came, and its files."""

    width: int
    height: int
    format: str  # jpeg or png
    master: bytes
    sizes: dict[Size, bytes] = field(repr=False)


class _Head(BaseModel):
    width: int
    height: int
    format: str
    files: dict[str, int]


def convert(body: bytes) -> ConvertedPicture:
    """Check a picture and make its files.

    Raises UnfitPictureError with what is wrong with it, PicturesUnavailableError if it cannot be
    read now.
    """
    if len(body) > MAX_BYTES:
        raise UnfitPictureError(
            f"It has {len(body) / 1_000_000:.0f} MB; the most is {MAX_BYTES // 1_000_000} MB."
        )
    return _run_job("convert", body)


def crop(master: bytes, focus: Focus, kind: str) -> dict[Size, bytes]:
    """Make the sizes of a master round a focus. Raises as `convert` does."""
    return _run_job("crop", master, x=focus.x, y=focus.y, kind=kind).sizes


def contrasts(body: bytes, grounds: list[str]) -> list[float]:
    """Return how well a logo can be seen on colours: a contrast ratio for each, from 1 to 21.

    Raises as `convert` does.
    """
    answer: list[float] = json.loads(_answer("contrast", body, grounds=grounds))
    return answer


def _run_job(job: str, body: bytes, **details: object) -> ConvertedPicture:
    return _parse(_answer(job, body, **details))


def _answer(job: str, body: bytes, **details: object) -> bytes:
    try:
        return CONVERTER.run(job, body, **details)
    except UnreadableError as problem:
        raise UnfitPictureError(str(problem)) from problem
    except KilledError as problem:
        raise UnfitPictureError(
            "It takes too much time or memory to read. Make it smaller, or save it again."
        ) from problem
    except UnavailableError as problem:
        raise PicturesUnavailableError(str(problem)) from problem


def _parse(answer: bytes) -> ConvertedPicture:
    line, _, rest = answer.partition(b"\n")
    try:
        head = _Head.model_validate_json(line)
    except ValidationError as cause:
        raise UnfitPictureError("The answer about this picture cannot be read.") from cause
    files, start = {}, 0
    for name, length in head.files.items():
        files[name] = rest[start : start + length]
        start += length
    sizes = {size: files[size.name] for size in Size}
    return ConvertedPicture(head.width, head.height, head.format, files.get("master", b""), sizes)
