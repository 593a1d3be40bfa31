"""What travels between us and a child: frames, each a length in four bytes and its content.

A request is two frames, details in JSON and the bytes that came; an answer is one, a byte of
`Status` and the job's answer or a message.
"""

import os
import struct
from enum import Enum

_LENGTH = struct.Struct("!I")
_PIECE = 1 << 20  # bytes


class Status(bytes, Enum):
    """What an answer is."""

    RESULT = b"r"
    PROBLEM = b"p"  # the message of the jobs' own error
    MEMORY = b"m"  # the limit was reached
    FAILURE = b"f"  # any other exception


def write_frame(sink: int, *parts: bytes) -> None:
    """Write a frame to a descriptor. Raises OSError if nobody reads it."""
    for part in (_LENGTH.pack(sum(map(len, parts))), *parts):
        view = memoryview(part)
        while view:
            view = view[os.write(sink, view) :]


def read_frame(source: int, most: int = 2**32 - 1) -> bytes | None:
    """Read a frame of `most` bytes from a descriptor; None at its end, or if it is longer."""
    head = _read_exactly(source, _LENGTH.size)
    if head is None:
        return None
    size = _LENGTH.unpack(head)[0]
    return _read_exactly(source, size) if size <= most else None


def _read_exactly(source: int, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = os.read(source, min(size - len(data), _PIECE))
        if not piece:
            return None
        data += piece
    return bytes(data)
