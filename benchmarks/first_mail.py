"""The first mail on the wire: from the job that plans an issue to its first DATA at the relay.

A real worker with a real broker, as `digest worker` runs it: the job is enqueued when somebody
presses "send" and the undo time is over. The worker plans the first step of the subscribers and
calls the senders, and one of them connects. The relay here notes when it sees the first DATA.

    make bench ARGS=first_mail
    DIGEST_ROUNDS=3 DIGEST_SUBSCRIBERS=20_000 ...     smaller; (5, 1,000,000)

Printed: the median, and each round. The target is 2 s with 1,000,000 subscribers.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median
from threading import Event, Thread
from typing import Self

from benchmarks import planning
from benchmarks._django import set_up

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
TARGET = 2.0  # seconds


def main() -> None:
    """Press "send" again and again."""
    set_up()
    planning._make_subscribers()  # noqa: SLF001
    with Relay() as relay, _worker(relay.port):
        _first_mail(relay)  # the worker is warm then, as one that runs all day
        seconds = [_first_mail(relay) for _ in range(ROUNDS)]
    rounds = ", ".join(f"{duration:.2f}" for duration in seconds)
    print(f"   {planning._planned():,} subscribers: first mail after {median(seconds):.2f} s")  # noqa: SLF001
    print(f"   target {TARGET} s; rounds: {rounds}")


def _first_mail(relay: "Relay") -> float:
    """Return the seconds from the job to the first DATA; then stop the issue."""
    from digest.core import jobs
    from digest.issues.models import Issue
    from digest.sending.models import Claim

    planning._empty()  # noqa: SLF001
    issue = planning._issue()  # noqa: SLF001
    relay.has_seen_mail.clear()
    start = time.monotonic()
    jobs.enqueue(jobs.PLAN_ISSUES)
    if not relay.has_seen_mail.wait(120):
        raise SystemExit("No mail came within two minutes.")
    duration = relay.first_mail_at - start
    Issue.objects.filter(pk=issue.pk).update(state=Issue.State.PAUSED)
    while Claim.objects.exists():  # until senders have noticed
        time.sleep(0.1)
    return duration


class Relay:
    """A relay that takes everything and notes the first DATA; each connection in a thread."""

    def __init__(self) -> None:
        self.has_seen_mail = Event()
        self.first_mail_at = 0.0  # time.monotonic()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, StopIteration), client, client.makefile("rb") as lines:
            client.sendall(b"220 relay ESMTP\r\n")
            for line in lines:
                verb = line[:4].upper()
                if verb == b"DATA":
                    self._note()
                    client.sendall(b"354 Go on\r\n")
                    while next(lines) != b".\r\n":
                        pass
                client.sendall(_REPLIES.get(verb, b"250 2.0.0 Ok\r\n"))

    def _note(self) -> None:
        if not self.has_seen_mail.is_set():
            self.first_mail_at = time.monotonic()
            self.has_seen_mail.set()


_REPLIES = {b"EHLO": b"250-relay\r\n250 PIPELINING\r\n", b"QUIT": b"221 2.0.0 Bye\r\n"}


@contextmanager
def _worker(port: int) -> Iterator[None]:
    """Run a worker for planning and sending."""
    url = f"smtp://127.0.0.1:{port}?starttls=never&connections=1"
    command = (
        *(sys.executable, "-m", "celery", "-A", "workers.app", "worker", "--concurrency", "2"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", "delivery,sending"),
    )
    with subprocess.Popen(
        command,
        env=os.environ | {"DIGEST_SMTP_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
