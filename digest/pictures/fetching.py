"""Fetches the pictures that articles name, each address once.

A row is due; a job claims due rows under a lease, fetches them side by side, and converts one after
another. What a server refuses for good is refused; otherwise it is tried again, a few times.
"""

import hashlib
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import Q

from digest.core import clock, jobs
from digest.core.backoff import Backoff
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.core.http import FetchError, FetchResult, GoneError, RefusedError, TooLargeError, fetch
from digest.pictures import converting, renditions
from digest.pictures.errors import PicturesError, PicturesUnavailableError, UnfitPictureError
from digest.pictures.models import Picture
from digest.pictures.sizes import MIN_STORY_WIDTH

AT_ONCE = 8
BATCH = 24
BUDGET = 120.0  # seconds in which a batch begins to convert
LEASE = timedelta(minutes=10)  # as long as the job may take
MAX_FAILURES = 9  # in a row; the last try comes about an hour after the first
LONGEST_WISH = timedelta(hours=1)  # of a server's Retry-After
BACKOFF = Backoff.doubling(timedelta(seconds=15), timedelta(minutes=30), jitter=(0.0, 0.2))
ACCEPT = "image/jpeg, image/png, image/webp, image/avif, image/*;q=0.8"

Answer = FetchResult | Exception

log = structlog.get_logger(__name__)


def request(publication_id: int, urls: Iterable[str], now: datetime) -> dict[str, Picture]:
    """Make a picture due for each address that the publication has none for; nudge the workers.

    `urls` are web addresses. Returns the pictures by their addresses, those of before too.
    """
    addresses = [url for url in dict.fromkeys(urls) if url]
    rows = [
        Picture(
            publication_id=publication_id,
            source_url=url,
            state=Picture.State.DUE,
            next_try_at=now,
            created_at=now,
        )
        for url in addresses
    ]
    Picture.objects.bulk_create(rows, ignore_conflicts=True)
    pictures = Picture.objects.filter(publication_id=publication_id, source_url__in=addresses)
    by_url = {picture.source_url: picture for picture in pictures}
    if any(picture.state == Picture.State.DUE for picture in by_url.values()):
        jobs.enqueue(jobs.FETCH_PICTURES)
    return by_url


def fetch_due(now: datetime | None = None) -> list[Picture]:
    """Fetch the pictures that are due, at most BATCH of them; return them as they are then."""
    now = now or clock.now()
    claimed = _claim(now)
    until = time.monotonic() + BUDGET
    for picture, answer in _side_by_side(claimed):
        if time.monotonic() < until:
            _settle(picture, answer, now)
        else:
            leases.finish(picture)  # still due
    if claimed:
        jobs.enqueue(jobs.PLAN_ISSUES)  # an issue may have waited for them
    return list(Picture.objects.filter(pk__in=[picture.pk for picture in claimed]).order_by("pk"))


def _claim(now: datetime) -> list[Picture]:
    due = Picture.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now),
        state=Picture.State.DUE,
        next_try_at__lte=now,
    )
    return leases.claim(due.order_by("next_try_at"), BATCH, now + LEASE)


def _side_by_side(pictures: list[Picture]) -> Iterator[tuple[Picture, Answer]]:
    """Fetch at once; yield each with its answer as it comes in. Threads do the network alone."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pictures") as pool:
        waiting = {pool.submit(_answer, picture.source_url): picture for picture in pictures}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _answer(url: str) -> Answer:
    try:
        return fetch(url, accept=ACCEPT, largest=converting.MAX_BYTES)
    except Exception as problem:  # noqa: BLE001  told to `_settle`
        return problem


def _settle(picture: Picture, answer: Answer, now: datetime) -> None:
    """Take in one picture's answer."""
    try:
        changes = _take(answer)
    except PicturesUnavailableError as problem:  # our own fault: it does not count
        changes = _retry_values(problem, now, failures=picture.failures)
    except DigestError as problem:
        changes = _fail(picture, problem, now)
    except SoftTimeLimitExceeded:
        raise  # this task has to end; the lease covers the picture
    except Exception as cause:
        log.exception("picture not fetched", url=picture.source_url)
        fault = PicturesError(f"Something unforeseen went wrong here ({type(cause).__name__}).")
        changes = _fail(picture, fault, now)
    if leases.finish(picture, **changes):
        log.info("picture fetched", url=picture.source_url, problem=changes.get("problem", ""))


def _take(answer: Answer) -> dict[str, object]:
    """Convert and store what came; return the columns to write."""
    if isinstance(answer, Exception):
        raise answer
    sha256 = hashlib.sha256(answer.body).hexdigest()
    converted = converting.convert(answer.body)
    require_story_width(converted.width, converted.height)
    renditions.store_converted(sha256, converted)
    return {
        "state": Picture.State.READY,
        "problem": "",
        "failures": 0,
        "next_try_at": None,
        "sha256": sha256,
        "width": converted.width,
        "height": converted.height,
        "format": converted.format,
        "size": len(answer.body),
    }


def require_story_width(width: int, height: int) -> None:
    """Raise UnfitPictureError if a picture is too small for a story."""
    if width < MIN_STORY_WIDTH:
        raise UnfitPictureError(
            f"It has only {width} by {height} pixels; a story's picture needs a width of at least "
            f"{MIN_STORY_WIDTH}."
        )


def _fail(picture: Picture, problem: DigestError, now: datetime) -> dict[str, object]:
    failures = picture.failures + 1
    if failures >= MAX_FAILURES or _is_final(problem):
        return {
            "state": Picture.State.REFUSED,
            "problem": str(problem),
            "failures": failures,
            "next_try_at": None,
        }
    return _retry_values(problem, now, failures=failures)


def _is_final(problem: DigestError) -> bool:
    """Return whether another try would end in the same way."""
    if isinstance(problem, FetchError):
        is_refusal = problem.status in {400, 401, 403, 404, 451}
        return is_refusal or isinstance(problem, GoneError | RefusedError | TooLargeError)
    return isinstance(problem, UnfitPictureError)


def _retry_values(problem: DigestError, now: datetime, *, failures: int) -> dict[str, object]:
    wait = BACKOFF.wait(failures, random.random())  # noqa: S311  no secret
    seconds = problem.retry_after if isinstance(problem, FetchError) else None
    wait = max(wait, min(timedelta(seconds=seconds or 0), LONGEST_WISH))
    return {"problem": str(problem), "failures": failures, "next_try_at": now + wait}
