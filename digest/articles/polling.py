"""Polling: which sources are due, what came of each, when it is looked at again.

A source is claimed under a lease, so several workers share the work and a killed one holds nothing
up. `poll_due` claims, fetches all side by side, then parses and stores one after another; whatever
one source does, the others are done. What is left after BUDGET stays due.
"""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError, transaction
from django.db.models import Q

from digest.articles import fetching, isolation, pacing, storing, switching
from digest.articles.canonical import canonical
from digest.articles.errors import ParserKilledError, ParserUnavailableError
from digest.articles.fetching import Answer
from digest.articles.models import Source
from digest.articles.ownership import host_of
from digest.articles.parsing.base import Document
from digest.articles.storing import StoreResult
from digest.core import clock
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.core.http import FetchError, FetchResult, GoneError
from digest.core.telemetry import count
from digest.core.telemetry.metrics import POLLS

LEASE = timedelta(minutes=10)  # a batch takes seven minutes at the very worst
BATCH = 50
BUDGET = 120.0  # seconds in which a batch begins to parse; hostile documents take ten each

_SAYS_IT_MOVED = "This feed says that it has moved"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a poll brought: counts of articles, and what went wrong, for an editor to read."""

    source: Source
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    problem: str = ""

    @property
    def summary(self) -> dict[str, int | str]:
        """The counts and the problem, by the names that programs get."""
        return {
            "new": self.new,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "problem": self.problem,
        }


def poll_due(now: datetime | None = None) -> list[PollResult]:
    """Poll the sources that are due, at most BATCH of them; finding none is fine."""
    now = now or clock.now()
    claimed = _claim(now)
    until = time.monotonic() + BUDGET
    polls = []
    for source, answer in fetching.side_by_side(claimed):
        if time.monotonic() < until:
            polls.append(_settle(source, answer, now))
        else:
            leases.finish(source)  # still due
    return polls


def poll(source: Source, now: datetime, answer: Answer | None = None) -> PollResult:
    """Poll one source at once, whether it is due, failing or gone.

    `answer` is what was fetched from it a moment ago; without one it is fetched. One that is
    switched off is not polled, and the result says so.
    """
    if source.switched_off_at:
        return PollResult(source, problem=switching.off_reason(source))
    source.lease_until = now + LEASE
    source.save(update_fields=["lease_until"])
    return _settle(source, answer or fetching.answer_of(source), now)


def _claim(now: datetime) -> list[Source]:
    """Claim due sources, those that have waited longest first."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = Source.polled().filter(free, next_poll_at__lte=now).order_by("next_poll_at")
    claimed = leases.claim(due, BATCH, now + LEASE)
    # Other publications' sources at the same addresses come along: each address is fetched once.
    urls = [source.url for source in claimed]
    siblings = Source.polled().filter(free, url__in=urls, failures=0)
    siblings = siblings.exclude(pk__in=[source.pk for source in claimed]).order_by("pk")
    return claimed + leases.claim(siblings, BATCH, now + LEASE)


def _settle(source: Source, answer: Answer, now: datetime) -> PollResult:
    """Take in one source's answer, and note on the source how it went."""
    try:
        polled = _take(source, answer, now)
    except DigestError as problem:
        polled = _fail(source, problem, now)
    except SoftTimeLimitExceeded:
        raise  # the worker's word that this task has to end; the lease covers the source
    except Exception as problem:
        log.exception("poll failed", source=source.url)
        polled = _fail(source, problem, now)
    source.polled_at = now
    _release(source)
    count(POLLS, "failed" if polled.problem and source.failures else "succeeded")
    log.info(
        "polled", source=source.url, new=polled.new, changed=polled.changed, problem=polled.problem
    )
    return polled


def _take(source: Source, answer: Answer, now: datetime) -> PollResult:
    """Parse, clean and store an answer, and move the source on."""
    if isinstance(answer, Exception):
        raise answer
    if answer.status == 304:
        _succeed(source, answer, None, now)
        return PollResult(source)
    document = _parsed(source, answer)
    stored = storing.store(
        source,
        document,
        now,
        first_poll=source.succeeded_at is None,
        has_moved=_says_it_moved(source, answer, document),
    )
    if stored.moved and source.succeeded_at:
        log.warning("stories moved", source=source.url, stories=stored.moved)
        source.moved_at, source.moved_stories = now, stored.moved
    note = _succeed(source, answer, document, now)
    return _polled(source, stored, note)


def _parsed(source: Source, answer: FetchResult) -> Document:
    if source.kind == Source.Kind.PAGE:
        return isolation.parse_page(answer.body, answer.url, answer.charset)
    return isolation.parse_feed(answer.body, answer.url, answer.charset)


def _says_it_moved(source: Source, answer: FetchResult, document: Document) -> bool:
    """Say whether the source says that it moved: by a redirect for good, or another site."""
    if answer.permanent_url and host_of(answer.permanent_url) != host_of(source.url):
        return True
    if _new_address(source, document):
        return True
    before, after = host_of(source.site_url), host_of(document.site_url)
    return bool(before and after and before != after)


def _new_address(source: Source, document: Document) -> str:
    """Return where the feed says that it has moved to, or "" if it is there already."""
    new, current = canonical(document.new_url), canonical(source.url)
    return document.new_url if new and new != current else ""


def _polled(source: Source, stored: StoreResult, note: str) -> PollResult:
    return PollResult(source, stored.new, stored.changed, stored.unchanged, note)


def _succeed(source: Source, answer: FetchResult, document: Document | None, now: datetime) -> str:
    """Note a good poll on the source; return what an editor should know all the same, or ""."""
    said_before = source.problem if source.problem.startswith(_SAYS_IT_MOVED) else ""
    source.problem = _move(source, answer.permanent_url)
    if document is None:  # nothing has changed, nor has what it says of itself
        source.problem = source.problem or said_before
    elif new_url := _new_address(source, document):
        source.problem = source.problem or (
            f"{_SAYS_IT_MOVED} to {new_url}. Add that address, and remove this one."
        )
    source.succeeded_at, source.failures, source.gone_at = now, 0, None
    if document:
        source.etag, source.last_modified = answer.etag, answer.last_modified
        source.title = source.title or document.title
        source.site_url = document.site_url or source.site_url
        source.language = source.language or document.language
        source.ttl = document.ttl
    wish = max(fetching.max_age(answer), source.ttl)
    source.next_poll_at = pacing.after_success(now, wish, random.random())  # noqa: S311  no secret
    return source.problem


def _move(source: Source, permanent_url: str) -> str:
    """Follow a source that has moved for good, unless that address is a source already."""
    if not permanent_url or permanent_url == source.url:
        return ""
    siblings = Source.objects.filter(publication_id=source.publication_id).exclude(pk=source.pk)
    if siblings.filter(url=permanent_url).exists():
        return f"This feed has moved to {permanent_url}, which is a source already; remove one."
    log.info("source moved", source=source.url, to=permanent_url)
    source.url = permanent_url
    return ""


def _fail(source: Source, problem: Exception, now: datetime) -> PollResult:
    """Note a failed poll on the source, and when to try again, if ever."""
    if isinstance(problem, DigestError):
        source.problem = str(problem)
    else:
        source.problem = (
            f"Something unforeseen went wrong here ({type(problem).__name__}); see the log."
        )
    source.failures += not isinstance(problem, ParserUnavailableError)  # that is our own fault
    if isinstance(problem, ParserKilledError):
        switching.count_kill(source, now)
    if isinstance(problem, GoneError):
        source.gone_at = now
        source.problem += " It is not polled any more."
    retry_after = problem.retry_after if isinstance(problem, FetchError) else None
    source.next_poll_at = pacing.after_failure(now, source.failures, retry_after, random.random())  # noqa: S311  no secret
    return PollResult(source, problem=source.problem)


def _release(source: Source) -> None:
    """Write the source back, unless its lease ran out and another worker has it."""
    changes = {name: getattr(source, name) for name in _WRITTEN}
    try:
        with transaction.atomic():
            if leases.finish(source, **changes) and source.switched_off_at:
                switching.record_switched_off(source, source.switched_off_at)
    except IntegrityError:
        # Another source has just been given the address this one moved to; the next poll says so.
        log.warning("source not written, polled again when its lease ends", source=source.url)


_WRITTEN = (
    "url", "title", "site_url", "language", "ttl", "etag", "last_modified", "next_poll_at",
    "polled_at", "succeeded_at", "failures", "problem", "gone_at", "moved_at", "moved_stories",
    "parser_kills", "parser_killed_at", "switched_off_at",
)  # fmt: skip
