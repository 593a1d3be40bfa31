"""A page of the console through the web process's application, with room for frames and without.

In turns at 40 depths of a thread, as a page's loops are unlucky at some and lucky at others: which
ones a server has is decided by what calls the application. Medians of each depth; printed are the
median, the best and the worst depth, in milliseconds of processor time.
"""

import inspect
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any
from wsgiref.util import setup_testing_defaults

from benchmarks._pages import editor, set_up

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "9"))
DEPTHS = range(40)
ADDRESSES = "/admin/", "/admin/subscribers/", "/admin/statistics/"

Sides = Mapping[str, Callable[..., Any]]


def main() -> None:
    """Time each page on both sides."""
    set_up()
    from digest.wsgi import application
    from tests.cast import make_newsletter, make_schedule

    make_schedule(make_newsletter())
    sides = {"without": inspect.unwrap(application), "with room": application}
    cookies = editor().cookies.output(header="", sep=";").strip()
    with ThreadPoolExecutor(1) as pool:  # as gunicorn calls it
        for address in ADDRESSES:
            environ = _environ(address, cookies)
            pool.submit(_visit, application, environ, 0).result()
            _print(address, pool.submit(_times, sides, environ).result())


def _environ(address: str, cookies: str) -> dict[str, Any]:
    environ: dict[str, Any] = {"PATH_INFO": address, "HTTP_COOKIE": cookies}
    setup_testing_defaults(environ)
    return environ | {"HTTP_HOST": "testserver"}


def _times(sides: Sides, environ: dict[str, Any]) -> dict[str, list[float]]:
    """Return each side's median at each depth."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for depth in DEPTHS:
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, application in sides.items():
                seconds[name].append(_visit(application, environ, depth))
        for name in sides:
            times[name].append(median(seconds[name]) * 1000)
    return times


def _visit(application: Callable[..., Any], environ: dict[str, Any], depth: int) -> float:
    if depth:
        return _visit(application, environ, depth - 1)
    start = time.thread_time()
    answer = application(dict(environ), _accept)
    b"".join(answer)
    answer.close()
    return time.thread_time() - start


def _accept(status: str, _: object) -> None:
    assert status == "200 OK", status


def _print(address: str, times: Mapping[str, list[float]]) -> None:
    for name, values in times.items():
        print(
            f"{address:<22} {name:<10} median {median(values):6.1f} ms"
            f"  best {min(values):6.1f}  worst {max(values):6.1f}"
        )
    without, room = times.values()
    print(f"{'':<33} ratio  {median(without) / median(room):6.2f}", flush=True)


if __name__ == "__main__":
    main()
