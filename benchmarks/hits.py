"""Recording clicks: what a request takes, how many a second on two web processes beside a send.

    in process   Django's whole stack, no socket: microseconds of CPU and by the clock for each hit
    over HTTP    `digest web` with two workers, clients in two processes, while an issue is sent to
                 Postfix's smtp-sink; every answer must be a row in the end
    on disk      bytes of table and indexes for a million hits

DIGEST_HITS (100,000) is the number over HTTP; DIGEST_STORED (300,000) that on disk.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import psutil

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment
from benchmarks._digest import Case, send, set_up
from benchmarks._meter import cpu_seconds
from benchmarks._relays import sink, wait_for
from tests.ports import reserve_port

if TYPE_CHECKING:
    from digest.issues.models import Issue

HITS = int(os.environ.get("DIGEST_HITS", "100_000"))
STORED = int(os.environ.get("DIGEST_STORED", "300_000"))
CALLS = 10_000
CONNECTIONS = 8  # of each client process
CLIENTS = 2
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def main() -> None:
    """Measure all three."""
    set_up()
    _in_process()
    _beside_a_send()
    _on_disk()


def _in_process() -> None:
    from django.core.wsgi import get_wsgi_application

    from digest.analytics.recording import RECORDER

    paths, app = _paths(_issue()), cast("Any", get_wsgi_application())
    RECORDER.start()  # as in a web process
    clock, cpu = list[float](), list[float]()
    for number in range(CALLS):
        environ = _environ(paths[number % len(paths)])
        sending_begins, used = time.perf_counter(), time.thread_time()
        app(environ, lambda *_: None).close()
        clock.append(time.perf_counter() - sending_begins)
        cpu.append(time.thread_time() - used)
    RECORDER.stop()
    for name, times in (("by the clock", sorted(clock)), ("of CPU", sorted(cpu))):
        p50, p99 = median(times) * 1000, times[len(times) * 99 // 100] * 1000
        print(f"in process, {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def _beside_a_send() -> None:
    from digest.analytics.models import Hit

    with sink() as (port, _):
        case = Case(30, 4)
        sent = list[float]()
        sending_begins = threading.Event()
        sender = threading.Thread(
            target=lambda: sent.append(send(case, port, sending_begins.set)), daemon=True
        )
        sender.start()
        sending_begins.wait()
        issue = _counted()
        before = Hit.objects.count()
        with _serving() as (server, web):
            _click(web, issue, CLIENTS * CONNECTIONS * 10)
            before += CLIENTS * CONNECTIONS * 10
            used = _cpu(server)
            times, seconds = _click(web, issue, HITS)
            used = _cpu(server) - used
        sender.join()
    recorded = Hit.objects.count() - before
    p50, p99 = median(times) * 1000, times[len(times) * 99 // 100] * 1000
    print(
        f"over HTTP: {len(times):,} clicks, {len(times) / seconds:,.0f} a second, "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {used / len(times) * 1e6:.0f} µs of CPU each in the "
        f"web processes; {recorded:,} recorded; "
        f"beside it {case.messages / sent[0]:,.0f} messages a second",
        flush=True,
    )
    assert recorded == len(times), recorded


def _on_disk() -> None:
    from django.db import connection

    from digest.analytics.recording import Client, NewHit
    from digest.analytics.recording.writing import write
    from digest.core import clock

    issue = _issue()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE analytics_hit")
    now, link = clock.now(), issue.links.values_list("pk", flat=True)[0]
    sending_begins = time.perf_counter()
    for start in range(0, STORED, 5_000):
        batch = range(start, start + 5_000)
        clients = (Client(f"203.{n % 256}.{n // 256 % 256}.{n % 250}", AGENT) for n in batch)
        write([NewHit(now, 1, issue.pk, link, None, client) for client in clients], [])
    seconds = time.perf_counter() - sending_begins
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size('analytics_hit'), pg_indexes_size('analytics_hit')")
        table, indexes = cursor.fetchone()
    print(
        f"on disk: {table / STORED:.0f} MB of table and {indexes / STORED:.0f} MB of indexes for a "
        f"million hits; {STORED / seconds:,.0f} a second are written",
        flush=True,
    )


def _issue() -> "Issue":
    """An issue that went out, of a publication that counts in aggregate."""
    from digest.sending.compiling import compiled_for
    from tests.cast import LONG_AGO, make_issue, make_newsletter, make_publication, make_story

    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, state="sent", planned_at=LONG_AGO)
    for number in range(10):
        make_story(issue, title=f"High water {number}", url=f"https://courier.example/{number}")
    compiled_for(issue)
    return issue


def _counted() -> "Issue":
    """Return the issue that is being sent, with links that are counted."""
    from digest.issues.models import Issue, TrackedLink
    from digest.newsletters.models import Publication

    Publication.objects.update(tracking="aggregate")
    issue = Issue.objects.latest("pk")
    for number in range(10):
        url = f"https://courier.example/{number}"
        TrackedLink.objects.create(issue=issue, position=number, url=url)
    return issue


def _paths(issue: "Issue") -> list[str]:
    from digest.core import links

    base = links.absolute("")
    return [links.click_url(issue, link).removeprefix(base) for link in issue.links.all()]


def _environ(path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": AGENT,
        "REMOTE_ADDR": "203.0.113.7",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }


@contextmanager
def _serving() -> Iterator[tuple[psutil.Process, int]]:
    """Yield a web server with two workers and its port; it is stopped in the end."""
    from digest.cli import processes

    port = reserve_port()
    arguments = processes.web(bind=f"127.0.0.1:{port}", workers=2, threads=4)
    with subprocess.Popen([sys.executable, "-m", *arguments]) as process:
        try:
            wait_for(port)
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


def _cpu(server: psutil.Process) -> float:
    return sum(map(cpu_seconds, server.children()))


def _click(port: int, issue: "Issue", number: int) -> tuple[list[float], float]:
    """Follow links from client processes; return the sorted seconds of each, and of all."""
    command = [sys.executable, "-m", "benchmarks.hits", "click", str(port), str(number // CLIENTS)]
    sending_begins = time.perf_counter()
    clients = [
        subprocess.Popen([*command, *_paths(issue)], stdout=subprocess.PIPE) for _ in range(CLIENTS)
    ]
    outputs = [client.communicate()[0] for client in clients]
    seconds = time.perf_counter() - sending_begins
    return sorted(float(row) for output in outputs for row in output.split()), seconds


def _client(port: int, number: int, paths: list[str]) -> None:
    """Be one client process: print the seconds of each request."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        share = number // CONNECTIONS
        runs = [pool.submit(_requests, port, share, paths) for _ in range(CONNECTIONS)]
        times = [seconds for run in runs for seconds in run.result()]
    print("\n".join(f"{seconds:.6f}" for seconds in times))


def _requests(port: int, number: int, paths: list[str]) -> list[float]:
    times = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        for request in range(number):
            path = paths[request % len(paths)]
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {AGENT}\r\n\r\n"
            sending_begins = time.perf_counter()
            client.sendall(head.encode())
            reply = b""
            while b"\r\n\r\n" not in reply:
                reply += client.recv(4096)
            times.append(time.perf_counter() - sending_begins)
            assert reply.startswith(b"HTTP/1.1 302"), reply
    return times


if __name__ == "__main__":
    if sys.argv[1:2] == ["click"]:
        _client(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    else:
        main()
