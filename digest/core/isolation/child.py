"""What a child that was forked does: one job after another under the kernel's limits.

It has an empty environment, and may neither open connections nor start programs nor write files.
"""

import json
import resource
import select
import sys
from contextlib import suppress
from typing import Any

from digest.core.isolation.frames import Status, read_frame, write_frame

IDLE_SECONDS = 300
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "ctypes.",
)


def work(jobs: Any, channel: int, cpu_seconds: int, memory: int) -> None:
    """Answer what comes through a socket, until there is nothing to do."""
    _limit_resources(memory)
    while select.select([channel], [], [], IDLE_SECONDS)[0]:
        details = read_frame(channel)
        if details is None:
            return
        body = read_frame(channel) or b""
        _allow_cpu(cpu_seconds)
        status, answer = _answer(jobs, json.loads(details), body)
        write_frame(channel, status.value, answer)
        if status == Status.MEMORY:
            return


def _answer(jobs: Any, details: dict[str, Any], body: bytes) -> tuple[Status, bytes]:
    try:
        return Status.RESULT, jobs.JOBS[details.pop("job")](body, **details)
    except jobs.PROBLEM as problem:
        return Status.PROBLEM, str(problem).encode("utf-8", "replace")
    except MemoryError:
        return Status.MEMORY, b""
    except RecursionError:
        return Status.PROBLEM, b"It is nested too deeply to be read."
    except Exception as problem:  # noqa: BLE001  one bad input must not end the others
        return Status.FAILURE, f"{type(problem).__name__}: {problem}".encode("utf-8", "replace")


def _limit_resources(memory: int) -> None:
    """Limit this process, irrevocably; its time is limited for each job."""
    for resource_id, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS has no limit for address space
            resource.setrlimit(resource_id, (limit, limit))
    sys.addaudithook(_forbid)


def _forbid(event: str, _details: Any) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)


def _allow_cpu(seconds: int) -> None:
    """Let the kernel end this process after some more seconds of processor time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, hard))
