"""The command lines of the long-running processes.

They are run by name, in place of ours: `workers` lies on a higher floor and is never imported here.
"""

import os
import sys
from typing import NoReturn

from django.core.management.base import CommandParser

from digest.cli import numbers
from digest.cli.errors import UsageError
from digest.core import env, jobs
from digest.core.database.schema import require_current_schema

QUEUES = sorted({jobs.queue_of(name) for name in jobs.NAMES})
# Seconds that a statement may take, and that it may wait for a lock, in each process.
LIMITS = {"web": (60, 30), "inbound": (60, 30), "worker": (900, 120), "beat": (60, 30)}


def web(*, bind: str, workers: int, threads: int) -> list[str]:
    """Return the arguments of gunicorn; `bind` is `HOST:PORT`, or `fd://N` of an open socket."""
    return [
        *("gunicorn", "digest.wsgi:application", "--bind", bind),
        *("--workers", str(workers), "--threads", str(threads)),
        *("--worker-class", "digest.web.serving.Worker"),
        "--preload",  # each module once, not in each process; what runs beside starts in each
        # No access log: addresses of pages hold subscribers' tokens.
        *("--graceful-timeout", "30", "--log-level", "warning"),
        # To load everything on a busy machine; a process that hangs for so long is replaced.
        *("--timeout", "120"),
        "--no-control-socket",
    ]


def add_listen_options(parser: CommandParser, port: int) -> None:
    """Take where a process listens; `port` is the default."""
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (127.0.0.1)")
    parser.add_argument("--port", type=numbers.port, default=port, help=f"to listen on ({port})")


def address(host: str, port: int) -> str:
    """Return `HOST:PORT`; an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def worker(*, concurrency: int, queues: list[str], name: str = "") -> list[str]:
    """Return the arguments of a Celery worker; without queues it serves all of them.

    Its name is that of the host behind `name`, or behind one that no other worker there has.
    """
    if unknown := sorted(set(queues) - set(QUEUES)):
        raise UsageError(f"There is no queue {', '.join(unknown)}; there are {', '.join(QUEUES)}.")
    return [
        *("celery", "--app", "workers.app", "worker", "--queues", ",".join(queues or QUEUES)),
        *("--hostname", f"{name or f'worker-{os.getpid()}'}@%h"),
        *("--concurrency", str(concurrency), "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle"),
    ]


def beat() -> list[str]:
    """Return the arguments of Celery beat."""
    return ["celery", "--app", "workers.beat", "beat", "--loglevel", "INFO", "--pidfile", ""]


def inbound(*, host: str, port: int, protocol: str, socket: str) -> list[str]:
    """Return the arguments of the process that receives mail; a socket's path wins over a port."""
    place = ["--socket", socket] if socket else ["--host", host, "--port", str(port)]
    return ["digest.inbound", "--protocol", protocol, *place]


def environment(name: str) -> dict[str, str]:
    """Return what a process of this name has in its environment.

    Its name in pg_stat_activity. Unless they are set: how long its statements may take and wait
    for locks. A page gives up soon, a job may count millions of rows.
    """
    limits = zip(("DIGEST_STATEMENT_SECONDS", "DIGEST_LOCK_SECONDS"), LIMITS[name], strict=True)
    unset = {variable: str(seconds) for variable, seconds in limits if not env.read(variable)}
    return {"PGAPPNAME": f"digest {name}", **unset}


def become(name: str, arguments: list[str]) -> NoReturn:
    """Replace this process by `python -m …`, so that signals reach it directly.

    Raises ConfigurationError if the database's schema is not the one that this code needs.
    """
    require_current_schema()
    os.environ.update(environment(name))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606  our own words
