"""Loading many modules without looking for garbage among them, at start or ever after.

A process of ours holds 150,000 objects of modules. Python's collector looks through all of them
several times while they are loaded, again whenever it collects everything, and at the end of the
process: half of the processor time of a short command.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def modules_that_stay() -> Iterator[None]:
    """Collect no garbage while modules are loaded; what is there afterwards is never collected."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:  # else it is done while more modules are loaded
            gc.enable()
