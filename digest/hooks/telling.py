"""Tell hooks what is due to be told.

    round by round, each hook that is awake: claim its oldest word > say it > record what came of it

Claiming is attempting. A worker that dies midway leaves a lease that runs out, and the word is said
once more under the same id: at least once, never lost. A hook that fails is left alone for a while
with all its words, so it costs the others one attempt.
"""

import json
import random
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q, QuerySet

from digest.core import clock, jobs, links
from digest.core.errors import DigestError
from digest.core.http import FetchError, GoneError
from digest.delivery.models import Delivery
from digest.delivery.progress import progress
from digest.hooks import roster, waits
from digest.hooks.models import WebHook, Word

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # much longer than an address may take to answer
KEPT = timedelta(days=30)
OVER = "Given up: it could not be told in three days."

State = Word.State


@dataclass(frozen=True, slots=True)
class Told:
    """What one run did."""

    told: int = 0
    failed: int = 0


def tell_due() -> Told:
    """Tell for a few seconds, or until nothing is due; nudge a successor if something is left."""
    _sweep(clock.now())
    told = failed = 0
    until = time.monotonic() + settings.DIGEST_SEND_SECONDS
    while words := [word for hook in _awake(clock.now()) if (word := _claim(hook, clock.now()))]:
        for word in words:
            if time.monotonic() > until:
                _put_back(word)
            elif _tell(word, clock.now()):
                told += 1
            else:
                failed += 1
        if time.monotonic() > until:
            jobs.enqueue(jobs.TELL_HOOKS)
            break
    return Told(told, failed)


def forget_old(now: datetime) -> int:
    """Delete words settled long ago; return how many."""
    gone, _ = Word.objects.filter(settled_at__lte=now - KEPT).delete()
    return gone


def said(word: Word) -> bytes:
    """Return what a hook is told: type, timestamp and data, as Standard Webhooks has them."""
    told = {
        "type": word.event,
        "timestamp": word.at.isoformat(),
        "data": {
            "newsletter": word.newsletter.slug,
            "publication": word.newsletter.publication.slug,
            **_about_reader(word),
            **_about_edition(word),
            **_about_delivery(word),
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def message_id(word: Word) -> str:
    """Return the id of a word, the same at every attempt."""
    return f"msg_{links.sign('hook-message', word.pk)}"


def _sweep(now: datetime) -> None:
    """Queue again what a dead worker had in hand; give up what nobody could tell in time."""
    Word.objects.filter(state=State.CLAIMED, lease_until__lt=now).update(
        state=State.WAITING, lease_until=None
    )
    tried = Q(attempts__gt=0) | Q(hook__failures__gt=0) | Q(hook__disabled_at__isnull=False)
    Word.objects.filter(tried, state=State.WAITING, at__lt=now - waits.GIVE_UP).update(
        state=State.GIVEN_UP, settled_at=now, reply=OVER
    )


def _awake(now: datetime) -> QuerySet[WebHook]:
    rested = Q(retry_at__isnull=True) | Q(retry_at__lte=now)
    return WebHook.objects.filter(rested, disabled_at__isnull=True).order_by("pk")


@transaction.atomic
def _claim(hook: WebHook, now: datetime) -> Word | None:
    """Take a hook's next word that is due, under a lease; no two callers get the same."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now + LEASE, hook.pk, now])
        found = cursor.fetchone()
    if not found:
        return None
    related = ("hook", "newsletter__publication", "subscriber", "edition")
    return Word.objects.select_related(*related).get(pk=found[0])


_CLAIM = """
UPDATE hooks_word SET state = 1, attempts = attempts + 1, lease_until = %s
WHERE id = (
    SELECT id FROM hooks_word WHERE hook_id = %s AND state = 0 AND due_at <= %s
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def _tell(word: Word, now: datetime) -> bool:
    """Say one word to its hook, and record what came of it."""
    try:
        status = roster.send(word.hook, message_id(word), said(word), now)
    except DigestError as problem:
        _fail(word, problem, now)
        return False
    except DatabaseError:
        raise
    except Exception as problem:  # one odd word must not hold up all the others for ever
        log.exception("a hook could not be told", hook=word.hook.name)
        _fail(word, DigestError(f"Something unforeseen went wrong: {problem!r}"), now)
        return False
    _record(word, state=State.TOLD, settled_at=now, reply=str(status))
    WebHook.objects.filter(pk=word.hook_id).exclude(failures=0).update(
        failures=0, failing_since=None, retry_at=None, note=""
    )
    return True


def _fail(word: Word, problem: DigestError, now: datetime) -> None:
    """Note a failure on the word and on its hook."""
    asked = problem.retry_after if isinstance(problem, FetchError) else None
    jitter = random.random()  # noqa: S311
    due = waits.next_try(word.attempts, word.at, now, asked, jitter)
    if due is None:
        _record(word, state=State.GIVEN_UP, settled_at=now, reply=f"{OVER} {problem}")
    else:
        _record(word, state=State.WAITING, due_at=due, reply=str(problem))
    with transaction.atomic():
        hook = WebHook.objects.select_for_update().get(pk=word.hook_id)
        hook.failures += 1
        hook.failing_since = hook.failing_since or now
        hook.retry_at = now + waits.wait(hook.failures, asked, jitter)
        hook.note = str(problem)
        if isinstance(problem, GoneError) or waits.is_hopeless(
            hook.failures, hook.failing_since, now
        ):
            _disable(hook, now)
        hook.save()


def _disable(hook: WebHook, now: datetime) -> None:
    since = clock.spoken(hook.failing_since or now)
    hook.disabled_at = now
    hook.note = f"Disabled after {hook.failures} failures since {since}. {hook.note}"
    log.error("hook disabled", hook=hook.name, note=hook.note)


def _put_back(word: Word) -> None:
    _record(word, state=State.WAITING, attempts=F("attempts") - 1)


def _record(word: Word, **facts: Any) -> None:
    """Record, unless the lease ran out meanwhile and another has the word."""
    mine = Word.objects.filter(pk=word.pk, state=State.CLAIMED, attempts=word.attempts)
    mine.update(lease_until=None, **facts)


def _about_reader(word: Word) -> dict[str, Any]:
    if word.subscriber is None:
        return {}
    return {"subscriber": word.subscriber.pk, "email": word.subscriber.email}


def _about_edition(word: Word) -> dict[str, Any]:
    if (edition := word.edition) is None:
        return {}
    known: dict[str, Any] = {"edition": edition.pk, "slot": edition.slot.isoformat()}
    if word.delivery_id is None:
        counts = progress(edition)
        known |= {"subject": edition.subject, "eligible": counts.eligible, **asdict(counts)}
    return known


def _about_delivery(word: Word) -> dict[str, Any]:
    found = Delivery.objects.filter(pk=word.delivery_id).first() if word.delivery_id else None
    return {"code": found.reply_code, "reply": found.reply} if found else {}
