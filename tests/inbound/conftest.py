"""A receiver of our own on loopback, and doors that nobody has knocked at."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connections

from digest.core.processors import Pacer
from digest.inbound import commands
from digest.inbound.limits import Limited
from digest.inbound.receiving import conversation
from tests.bounces.conftest import issue, subscriber

__all__ = ["issue", "subscriber"]

DOMAIN = "in.courier.example"


@contextmanager
def listening(*, lmtp: bool) -> Iterator[int]:
    """A server in a thread; gives its port."""
    Limited._talking.clear()  # an earlier test's server has gone without saying so
    loop = asyncio.new_event_loop()
    servers: list[Any] = []
    up = threading.Event()

    async def start() -> None:
        servers.append(
            await loop.create_server(
                lambda: conversation(Pacer(commands.is_mail_sent), lmtp=lmtp), "127.0.0.1", 0
            )
        )
        up.set()

    def run() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(end_conversations())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert up.wait(5)
    try:
        yield servers[0].sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(servers[0].close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        connections.close_all()


async def end_conversations() -> None:
    """Cancel what still runs: a task that is collected unfinished logs where it stood, at any time.

    In the middle of another `ast.parse`, which Python 3.11 then fails on (CPython issue 106905).
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def serving() -> Iterator[Callable[[str], int]]:
    """Start servers; `serving("lmtp")` or `serving("smtp")`."""
    with ExitStack() as stack:
        yield lambda protocol: stack.enter_context(listening(lmtp=protocol == "lmtp"))


@pytest.fixture(autouse=True)
def our_domain(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail comes in at a domain, nobody has been counted, and no thread stays connected."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    monkeypatch.setattr(commands, "CHECK_SECONDS", 0.0)
    settings.DIGEST_INBOUND_DOMAIN = DOMAIN
    with redis.Redis.from_url(django_settings.DIGEST_REDIS_URL) as valkey:
        for key in valkey.scan_iter("digest-signups*"):
            valkey.delete(key)


class Talk:
    """A conversation in plain bytes."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.sock.makefile("rb")
        self.greeting = self.read_reply()

    def read_reply(self) -> str:
        """The next reply, all of its lines."""
        lines = []
        while line := self.file.readline().decode("utf-8", "replace"):
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    def say(self, octets: bytes) -> str:
        """Send bytes as they are, and hear the reply."""
        self.sock.sendall(octets)
        return self.read_reply()

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.sock.close()
