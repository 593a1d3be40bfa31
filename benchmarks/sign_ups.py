"""Ten thousand sign-ups out of a list-bombing script, through every door, while people look on.

The script knows addresses in all their spellings, and has as many networks as it likes.
It posts the form, posts as a script, and writes mails. Printed: the most confirmations that any
mailbox got, and how long a page took beside the flood, as a ratio to an idle run.

Then: how long the form takes for addresses that are known and for others, in turns.
"""

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment

ATTEMPTS = int(os.environ.get("DIGEST_ATTEMPTS", "10_000"))
TRIES = int(os.environ.get("DIGEST_TRIES", "1_000"))
VICTIMS = 400
PAGES = 300
SENDERS = 6


def main() -> None:
    """Run the flood, count what came of it, and compare times."""
    port = _set_up()
    from digest.newsletters.models import Newsletter

    newsletter = Newsletter.objects.get()
    with _web(port) as server:
        _wait(port)
        idle = _pages(port, newsletter.slug)
        flood = threading.Thread(target=_flood, args=(port, newsletter))
        flood.start()
        time.sleep(1)
        busy = _pages(port, newsletter.slug)
        flood.join()
        _settled()
        _print_flood(idle, busy)
        _print_times(*_times(port, newsletter))
        server.terminate()
        server.wait(20)


def _set_up() -> int:
    os.environ["DIGEST_ALLOWED_HOSTS"] = "localhost"
    # Wide, so that the guards behind the door are what is measured, not its first refusal.
    os.environ["DIGEST_SIGNUP_LIMITS"] = (
        "client=100000/hour network=100000/hour domain=100000/hour all=100000/hour"
    )
    os.environ["DIGEST_INBOUND_DOMAIN"] = "in.courier.example"
    os.environ["DIGEST_TRUSTED_PROXIES"] = "127.0.0.1"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.cast import make_newsletter, make_subscriber
    from tests.ports import reserve_port

    newsletter = make_newsletter(slug="tide")
    for number in range(TRIES):
        make_subscriber(newsletter, email=f"known{number}@reader.example")
    return reserve_port()


def _web(port: int) -> subprocess.Popen[bytes]:
    from digest.cli import processes

    command = processes.web(bind=f"127.0.0.1:{port}", workers=2, threads=4)
    log = (Path(tempfile.mkdtemp()) / "web.log").open("wb")
    return subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log)


def _wait(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            _request(HTTPConnection("127.0.0.1", port), "GET", "/healthz")
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the web process does not answer")


def _request(
    connection: HTTPConnection, method: str, path: str, body: str | None = None, **headers: str
) -> int:
    headers = {"Host": "localhost"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _pages(port: int, slug: str) -> list[float]:
    """Return the milliseconds of pages that people open."""
    connection, times = HTTPConnection("127.0.0.1", port), []
    for _ in range(PAGES):
        start = time.perf_counter()
        assert _request(connection, "GET", f"/subscribe/{slug}") == 200
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.01)
    return times


def _spelled(number: int) -> str:
    """Return a victim's address in one of its spellings."""
    victim = f"victim{number % VICTIMS}x"
    dots = random.randint(1, len(victim) - 1)
    return random.choice(
        [
            f"{victim}@gmail.com",
            f"{victim[:dots]}.{victim[dots:]}@gmail.com",
            f"{victim}+{number}@googlemail.com",
            f"{victim.upper()}@gmail.com",
        ]
    )


def _flood(port: int, newsletter: object) -> None:
    threads = [
        threading.Thread(target=_bomb, args=(port, newsletter, range(at, ATTEMPTS, SENDERS)))
        for at in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _bomb(port: int, newsletter: object, numbers: range) -> None:
    from digest.core import clock
    from digest.inbound import commands, reading
    from digest.web import forms

    connection = HTTPConnection("127.0.0.1", port)
    token = forms.make_token(newsletter, clock.now() - timedelta(seconds=5))  # type: ignore[arg-type]
    for number in numbers:
        email, from_ = _spelled(number), f"10.{number % 200}.{number % 97}.{number % 89}"
        if number % 5 == 0:
            mail = f"From: {email}\r\nSubject: x\r\n\r\nx\r\n".encode()
            message = reading.read(mail, email)
            commands.obey("subscribe+tide@in.courier.example", message)
            continue
        body = urlencode({"email": email, "token": token})
        accept = "application/json" if number % 2 else "text/html"
        _request(connection, "POST", "/subscribe/tide", body, Accept=accept, X_Forwarded_For=from_)


def _settled() -> None:
    from digest.selfservice import signups

    signups.settle_due()


def _print_flood(idle: list[float], busy: list[float]) -> None:
    from digest.notices.models import Notice

    counts = Counter(Notice.objects.filter(kind="confirm").values_list("mailbox", flat=True))
    print(f"{ATTEMPTS:,} attempts on {VICTIMS} mailboxes: {counts.total()} confirmations")
    print(f"at most {max(counts.values())} to one mailbox (target: 1)")
    for name, times in (("idle", idle), ("in a flood", busy)):
        most = quantiles(times, n=20)[-1]
        print(f"a page, {name:<11}{median(times):6.1f} ms, 95 % within {most:6.1f} ms")
    print(f"ratio: {median(busy) / median(idle):.1f} times the idle run")


def _times(port: int, newsletter: object) -> tuple[list[float], list[float]]:
    """Return the milliseconds of the form's POST for known and for unknown addresses, in turns."""
    from digest.core import clock
    from digest.web import forms

    connection = HTTPConnection("127.0.0.1", port)
    token = forms.make_token(newsletter, clock.now() - timedelta(seconds=5))  # type: ignore[arg-type]
    times: dict[str, list[float]] = {"known": [], "other": []}
    for number in range(TRIES):
        for kind in random.sample(sorted(times), 2):
            body = urlencode({"email": f"{kind}{number}@reader.example", "token": token})
            start = time.perf_counter()
            assert _request(connection, "POST", "/subscribe/tide", body) == 200
            times[kind].append((time.perf_counter() - start) * 1000)
    return times["known"], times["other"]


def _print_times(member_times: list[float], stranger_times: list[float]) -> None:
    """Compare the two, and how far two random halves of the same times lie apart."""
    all_times = [*member_times, *stranger_times]
    shuffled = []
    for _ in range(1_000):
        random.shuffle(all_times)
        half = len(all_times) // 2
        shuffled.append(abs(median(all_times[:half]) - median(all_times[half:])))
    gap = abs(median(member_times) - median(stranger_times))
    share = sum(difference >= gap for difference in shuffled) / len(shuffled)
    print(f"known address {median(member_times):.3f} ms, other {median(stranger_times):.3f} ms")
    print(f"{gap:.3f} ms apart; further by chance in {share:.0%} of 1,000 shuffles")


if __name__ == "__main__":
    main()
