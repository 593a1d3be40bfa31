"""The processor time of one call, for tests that hold a cost within bounds."""

import gc
import time
from collections.abc import Callable
from typing import Any


def seconds_of(call: Callable[[], Any]) -> float:
    """Return the time of this thread alone, without the collection of garbage."""
    gc.disable()
    try:
        start = time.thread_time()
        call()
        return time.thread_time() - start
    finally:
        gc.enable()
