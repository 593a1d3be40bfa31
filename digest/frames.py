"""Room for the frames of deep calls, in one piece.

CPython 3.11 and 3.12 keep the frames of a thread in pieces of 16 KiB, a hundred calls deep. A call
that begins a new piece asks the kernel for it, and its return gives it back: a function that a loop
calls at such a depth takes 3 µs more each time. A page of the console has such loops, in templates
and queries. Later versions keep one piece for the next call (python/cpython#142183).
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Pieces have sizes of powers of two. A frame of a little more than half of a MiB gets one of a
# whole MiB, and leaves the rest to what is called from it. Nothing is written to its unused part.
_SLOTS = 66_000  # of 8 bytes


def with_room(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return `function` with half of a MiB for the frames of all that it calls, for 5 µs a call."""

    def call(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        return function(*arguments, **options)

    call.__code__ = call.__code__.replace(co_stacksize=_SLOTS)
    return wraps(function)(call)
