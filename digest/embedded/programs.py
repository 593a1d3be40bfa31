"""The processes of `digest up`, and the environment that they share."""

import os
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import django

from digest.cli import processes
from digest.core import env
from digest.embedded import checks
from digest.embedded.spawning import CAN_FORK, Program
from digest.loading import modules_that_stay

LOOPBACK = "127.0.0.1"
INBOUND_DOMAIN = "courier.example"  # the sample's
# What web, inbound, worker and beat load, by name: `workers` lies beside this package.
_MODULES = (
    *("digest.wsgi", "digest.web.serving", "gunicorn.app.wsgiapp", "digest.inbound.receiving"),
    *("workers.app", *(f"workers.tasks.{queue}" for queue in processes.QUEUES)),
    *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.concurrency.prefork"),
)


class Place(NamedTuple):
    """Where this `digest up` lives."""

    data: Path
    host: str
    port: int
    sample: bool

    @property
    def mailbox(self) -> Path:
        """The Maildir of the local mailbox."""
        return self.data / "mailbox"

    @property
    def sample_site(self) -> str:
        """Where our own worker reads the sample paper."""
        return f"http://{self.inward_netloc}/sample"

    @property
    def inward(self) -> str:
        """The address under which this machine reaches its own web process."""
        return LOOPBACK if self.host in {"0.0.0.0", "::", "localhost", ""} else self.host  # noqa: S104

    @property
    def inward_netloc(self) -> str:
        """The same with the port, as addresses write it."""
        host = f"[{self.inward}]" if ":" in self.inward else self.inward
        return f"{host}:{self.port}"


def environment(place: Place, services: Mapping[str, str]) -> dict[str, str]:
    """Return Digest's variables for every process here; what is set already is kept."""
    allowed = env.listed("DIGEST_FETCH_ALLOW")
    if place.sample:
        allowed.append(f"{place.inward_netloc}/sample")  # its console and API are not fetched
    return {
        **services,
        "DIGEST_SECRET_KEY": env.read("DIGEST_SECRET_KEY") or checks.secret_key(place.data),
        "DIGEST_DATA_DIR": str(place.data),
        "DIGEST_BASE_URL": base_url(place),
        "DIGEST_FETCH_ALLOW": ",".join(allowed),
        # Addresses that mail of the sample can be answered at; they exist in the mailbox page only.
        "DIGEST_INBOUND_DOMAIN": env.read("DIGEST_INBOUND_DOMAIN")
        or (INBOUND_DOMAIN if place.sample else ""),
        "DIGEST_EMBEDDED": "1",
        "DIGEST_SAMPLE": "1" if place.sample else "0",
    }


def base_url(place: Place) -> str:
    """Return the public address, without a slash at its end."""
    return env.read("DIGEST_BASE_URL").rstrip("/") or f"http://localhost:{place.port}"


def load() -> None:
    """Set up Django, and load the modules of the processes that will be forks of this one."""
    with modules_that_stay():
        django.setup()
        for module in _MODULES if CAN_FORK else ():
            import_module(module)


def loaded(program: Program) -> Program:
    """Return a program such that it shares what `load` has loaded, where that is possible."""
    return replace(program, is_loaded=True)


def mailbox(place: Place, listener: socket.socket) -> Program:
    """Return the process that receives mail."""
    place_of_mail = ("--maildir", str(place.mailbox))
    arguments = ("digest.embedded.mailbox", *place_of_mail, "--fd", str(listener.fileno()))
    return replace(_listening("mailbox", listener, arguments), serves_others=True)


def web(listener: socket.socket) -> Program:
    """Return the process that answers browsers."""
    bind = f"fd://{listener.fileno()}"
    return _listening("web", listener, processes.web(bind=bind, workers=2, threads=4))


def worker() -> Program:
    """Return the process that does the jobs."""
    return _python("worker", *processes.worker(concurrency=2, queues=[]))


def inbound(listener: socket.socket) -> Program:
    """Return the process that receives mail to our own addresses."""
    arguments = ("digest.inbound", "--protocol", "smtp", "--fd", str(listener.fileno()))
    return _listening("inbound", listener, arguments)


def beat() -> Program:
    """Return the process that says when to look for work."""
    return _python("beat", *processes.beat())


def valkey(command: list[str]) -> Program:
    """Return the process that holds nudges and limits."""
    return Program("valkey", command, os.environ, serves_others=True)


def answers_http(host: str, port: int, path: str) -> bool:
    """Say whether a web server answers there, and well."""
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        return connection.getresponse().status < 400
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _listening(name: str, listener: socket.socket, arguments: Iterable[str]) -> Program:
    return replace(_python(name, *arguments), inherits=(listener.fileno(),))


def _python(name: str, module: str, *arguments: str) -> Program:
    own = processes.environment(name) if name in processes.LIMITS else {}
    surroundings = {**os.environ, "PYTHONUNBUFFERED": "1", **own}
    return Program(name, [sys.executable, "-m", module, *arguments], surroundings)
