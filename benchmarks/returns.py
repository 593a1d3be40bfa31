"""How many reports a second are received by LMTP and recorded, and what a flood costs.

A receiver of our own (`digest inbound`) and clients that speak LMTP, each with a connection of its
own, as a mail server delivers. First REPORTS different hard bounces, each of another subscriber;
then ten thousand about a single address. Printed: reports a second, our CPU for each, the memory
that the receiver has grown by, and the rows. `bouncing` shows reports beside a send.

    make bench ARGS=returns                       DIGEST_REPORTS, DIGEST_FLOOD: how many
"""

import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment

REPORTS = int(os.environ.get("DIGEST_REPORTS", "2_000"))
FLOOD = int(os.environ.get("DIGEST_FLOOD", "10_000"))
USER_UNKNOWN = "550 5.1.1 <kim@mailbox.example>: User unknown"
CLIENTS = 4
A_CONNECTION = 100  # mails; the receiver takes no more
DOMAIN = "bounces.courier.example"


def main() -> None:
    """Measure both."""
    os.environ["DIGEST_BOUNCE_DOMAIN"] = DOMAIN
    import django

    django.setup()
    from django.core.management import call_command

    from digest.bounces.models import Bounce
    from digest.subscribers.models import Suppression

    call_command("migrate", verbosity=0)
    tokens = _tokens()
    with receiving() as (receiver, port):
        for name, batch in (("different", tokens), ("about one address", tokens[:1] * FLOOD)):
            start, cpu, memory = time.perf_counter(), _cpu(receiver), receiver.memory_info().rss
            deliver(port, batch)
            seconds, used = time.perf_counter() - start, _cpu(receiver) - cpu
            grown = (receiver.memory_info().rss - memory) / 1e6
            print(
                f"-- {len(batch):,} reports {name}: {len(batch) / seconds:,.0f} a second, "
                f"{used / len(batch) * 1000:.1f} ms of the receiver's CPU each, {grown:+.1f} MB; "
                f"{Bounce.objects.count():,} bounces, {Suppression.objects.count():,} suppressions",
                flush=True,
            )


def _tokens() -> list[str]:
    """Return the tokens of an issue's mails to as many subscribers, each of its own domain."""
    from digest.core import clock, links
    from digest.sending.models import Delivery
    from digest.subscribers.models import Subscriber
    from tests.cast import make_issue, make_newsletter

    issue, now = make_issue(make_newsletter(), state="sent"), clock.now()
    Subscriber.objects.bulk_create(
        Subscriber(email=address, address_key=address, created_at=now)
        for address in (f"kim@d{number}.example" for number in range(REPORTS))
    )
    subscribers = list(Subscriber.objects.order_by("pk"))
    Delivery.objects.bulk_create(
        Delivery(issue=issue, subscriber=row, due_at=now, settled_at=now, state=3, reply_code=250)
        for row in subscribers
    )
    return [links.bounce_token(issue, row) for row in subscribers]


@contextmanager
def receiving() -> Iterator[tuple[psutil.Process, int]]:
    """Run a receiver in a process of its own, and return it with its port."""
    command = [sys.executable, "-m", "digest.inbound", "--protocol", "lmtp", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line, receiver = process.stdout.readline(), psutil.Process(process.pid)
            ports = [row.laddr.port for row in receiver.net_connections("tcp")]
            if not ports:
                raise SystemExit(f"The receiver does not listen: {line}")
            yield receiver, ports[0]
        finally:
            process.terminate()


def deliver(
    port: int, tokens: list[str], reply: str = USER_UNKNOWN, rate: float = math.inf
) -> None:
    """Deliver a report of Postfix with this reply to the address of each token.

    At most `rate` a second, all clients together.
    """
    batches = [
        tokens[start : start + A_CONNECTION] for start in range(0, len(tokens), A_CONNECTION)
    ]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda batch: _session(port, batch, reply, CLIENTS / rate), batches))


def _session(port: int, tokens: list[str], reply: str, interval: float) -> None:
    from tests.bounces import shapes

    content = shapes.postfix(reply).replace(b"\n", b"\r\n")
    with socket.create_connection(("127.0.0.1", port)) as sock, sock.makefile("rb") as replies:
        _read_reply(replies)
        _send_line(sock, replies, b"LHLO mx\r\n")
        start = time.monotonic()
        for number, token in enumerate(tokens):
            time.sleep(max(0.0, start + number * interval - time.monotonic()))
            _send_line(sock, replies, b"MAIL FROM:<>\r\n")
            _send_line(sock, replies, f"RCPT TO:<bounce+{token}@{DOMAIN}>\r\n".encode())
            _send_line(sock, replies, b"DATA\r\n")
            answer = _send_line(sock, replies, content + b"\r\n.\r\n")
            if not answer.startswith(b"250"):
                raise SystemExit(f"A report was refused: {answer!r}")


def _send_line(sock: socket.socket, replies: object, octets: bytes) -> bytes:
    sock.sendall(octets)
    return _read_reply(replies)


def _read_reply(replies: object) -> bytes:
    line = b" " * 3 + b"-"
    while line[3:4] == b"-":
        line = replies.readline()  # type: ignore[attr-defined]
    return line


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
