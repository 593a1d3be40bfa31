"""Runs what strangers send through libraries in a process of its own, under limits of the kernel.

An `Isolation` names a module of jobs: `JOBS`, functions from bytes to bytes by their names;
`PROBLEM`, the error whose message is for a person; and `warm_up()`.

    process     children: one that exceeds a limit is killed and replaced, a good one is used again
    watching    what a child takes while it does a job
    forking     the process that forks them, which runs `forkserver`
    child       what a child does
    frames      what travels between us and a child
"""

from digest.core.isolation.errors import KilledError, UnavailableError, UnreadableError
from digest.core.isolation.process import Isolation, end_children

__all__ = ["Isolation", "KilledError", "UnavailableError", "UnreadableError", "end_children"]
