"""The program that `process` starts: does one job after another under the kernel's limits.

A request is two frames, details in JSON and the bytes that came; an answer is one, a byte of
`Status` and the job's answer or a message. A frame is its length in four bytes and its content. The
program has an empty environment, and may neither open connections nor start programs nor write
files.
"""

import importlib
import json
import os
import resource
import select
import struct
import sys
from contextlib import suppress
from enum import Enum
from typing import Any

IDLE_SECONDS = 300
PRIORITY = 15  # added to the niceness: what is read can wait, mail can not
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "ctypes.",
)
_LENGTH = struct.Struct("!I")


class Status(bytes, Enum):
    """What an answer is."""

    RESULT = b"r"
    PROBLEM = b"p"  # the message of the jobs' own error
    MEMORY = b"m"  # the limit was reached
    FAILURE = b"f"  # any other exception


def main(module: str, cpu_seconds: int, memory: int) -> None:
    """Get ready, then answer until there is nothing to do."""
    os.nice(PRIORITY)  # before the imports: they take longer than most documents
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what a library prints is not an answer
    try:
        jobs = importlib.import_module(module)
        jobs.warm_up()
    except Exception as problem:  # noqa: BLE001  told to whoever started us
        _write(sink, Status.FAILURE, repr(problem).encode())
        return
    _limit_resources(memory)
    _write(sink, Status.RESULT, b"")
    while select.select([source], [], [], IDLE_SECONDS)[0]:
        details = _read(source)
        if details is None:
            return
        body = _read(source) or b""
        _allow_cpu(cpu_seconds)
        status, answer = _answer(jobs, json.loads(details), body)
        _write(sink, status, answer)
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


def _read(source: int) -> bytes | None:
    """Return a frame, or None at the end."""
    head = _read_exactly(source, _LENGTH.size)
    return None if head is None else _read_exactly(source, _LENGTH.unpack(head)[0])


def _read_exactly(source: int, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = os.read(source, min(size - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return bytes(data)


def _write(sink: int, status: Status, answer: bytes) -> None:
    view = memoryview(_LENGTH.pack(len(answer) + 1) + status.value + answer)
    while view:
        view = view[os.write(sink, view) :]


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    main(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
