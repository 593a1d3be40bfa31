"""Relays for benchmarks: Postfix's smtp-sink, and a proxy that puts a distance before it."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.ports import reserve_port

SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"


@contextmanager
def sink() -> Iterator[tuple[int, psutil.Process]]:
    """Postfix's smtp-sink on a free port of the loopback: takes everything, keeps nothing."""
    port = reserve_port()
    user = ["-u", "postfix"] if os.getuid() == 0 else []
    with subprocess.Popen([SINK, *user, f"127.0.0.1:{port}", "1000"]) as process:
        try:
            wait_for(port)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()


@contextmanager
def distance(port: int, milliseconds: float) -> Iterator[int]:
    """Put so many milliseconds of round trip before a port, in a process of its own."""
    front = reserve_port()
    command = [sys.executable, "-m", "benchmarks._relays", str(front), str(port), str(milliseconds)]
    with subprocess.Popen(command) as process:
        try:
            wait_for(front)
            yield front
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Wait until something listens."""
    give_up = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


async def _serve(front: int, back: int, one_way: float) -> None:
    async def meet(client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, upstream_writer = await asyncio.open_connection("127.0.0.1", back, limit=1 << 22)
        await asyncio.gather(
            _pass_on(client, upstream_writer, one_way), _pass_on(upstream, writer, one_way)
        )

    server = await asyncio.start_server(meet, "127.0.0.1", front, limit=1 << 22)
    await server.serve_forever()


async def _pass_on(client: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float) -> None:
    """Pass octets on in order, each so many seconds after it came."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, octets = await on_the_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not octets:
                writer.close()
                return
            writer.write(octets)

    arriving = asyncio.create_task(arrive())
    try:
        while octets := await client.read(1 << 20):
            on_the_way.put_nowait((loop.time() + wait, octets))
    except ConnectionError:
        pass
    on_the_way.put_nowait((loop.time() + wait, b""))
    await arriving


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000))
