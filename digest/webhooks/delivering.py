"""Tell webhooks what is due to be told.

    round by round, each webhook that is awake: claim its oldest word > say it > record what came of
    it

Claiming is attempting. A worker that dies midway leaves a lease that runs out, and the word is said
once more under the same id: at least once, never lost. A webhook that fails is left alone for a
while with all its words, so it costs the others one attempt.
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
from digest.sending.models import Delivery
from digest.sending.progress import progress
from digest.webhooks import registry, retries
from digest.webhooks.models import Webhook, WebhookDelivery

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # much longer than an address may take to answer
KEPT = timedelta(days=30)
OVER = "Given up: it could not be told in three days."

State = WebhookDelivery.State


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
    while words := [
        word for webhook in _awake(clock.now()) if (word := _claim(webhook, clock.now()))
    ]:
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
    gone, _ = WebhookDelivery.objects.filter(settled_at__lte=now - KEPT).delete()
    return gone


def said(word: WebhookDelivery) -> bytes:
    """Return what a webhook is told: type, timestamp and data, as Standard Webhooks has them."""
    told = {
        "type": word.event,
        "timestamp": word.at.isoformat(),
        "data": {
            "newsletter": word.newsletter.slug,
            "publication": word.newsletter.publication.slug,
            **_about_subscriber(word),
            **_about_issue(word),
            **_about_delivery(word),
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def message_id(word: WebhookDelivery) -> str:
    """Return the id of a word, the same at every attempt."""
    return f"msg_{links.sign('webhook-message', word.pk)}"


def _sweep(now: datetime) -> None:
    """Queue again what a dead worker had in hand; give up what nobody could tell in time."""
    WebhookDelivery.objects.filter(state=State.CLAIMED, lease_until__lt=now).update(
        state=State.WAITING, lease_until=None
    )
    tried = Q(attempts__gt=0) | Q(webhook__failures__gt=0) | Q(webhook__disabled_at__isnull=False)
    WebhookDelivery.objects.filter(tried, state=State.WAITING, at__lt=now - retries.GIVE_UP).update(
        state=State.GIVEN_UP, settled_at=now, reply=OVER
    )


def _awake(now: datetime) -> QuerySet[Webhook]:
    rested = Q(retry_at__isnull=True) | Q(retry_at__lte=now)
    return Webhook.objects.filter(rested, disabled_at__isnull=True).order_by("pk")


@transaction.atomic
def _claim(webhook: Webhook, now: datetime) -> WebhookDelivery | None:
    """Take a webhook's next word that is due, under a lease; no two callers get the same."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now + LEASE, webhook.pk, now])
        found = cursor.fetchone()
    if not found:
        return None
    related = ("webhook", "newsletter__publication", "subscriber", "issue")
    return WebhookDelivery.objects.select_related(*related).get(pk=found[0])


_CLAIM = """
UPDATE webhooks_webhookdelivery SET state = 1, attempts = attempts + 1, lease_until = %s
WHERE id = (
    SELECT id FROM webhooks_webhookdelivery WHERE webhook_id = %s AND state = 0 AND due_at <= %s
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def _tell(word: WebhookDelivery, now: datetime) -> bool:
    """Say one word to its webhook, and record what came of it."""
    try:
        status = registry.send(word.webhook, message_id(word), said(word), now)
    except DigestError as problem:
        _fail(word, problem, now)
        return False
    except DatabaseError:
        raise
    except Exception as problem:  # one odd word must not hold up all the others for ever
        log.exception("a webhook could not be told", webhook=word.webhook.name)
        _fail(word, DigestError(f"Something unforeseen went wrong: {problem!r}"), now)
        return False
    _record(word, state=State.DELIVERED, settled_at=now, reply=str(status))
    Webhook.objects.filter(pk=word.webhook_id).exclude(failures=0).update(
        failures=0, failing_since=None, retry_at=None, note=""
    )
    return True


def _fail(word: WebhookDelivery, problem: DigestError, now: datetime) -> None:
    """Note a failure on the word and on its webhook."""
    asked = problem.retry_after if isinstance(problem, FetchError) else None
    jitter = random.random()  # noqa: S311
    due = retries.next_try(word.attempts, word.at, now, asked, jitter)
    if due is None:
        _record(word, state=State.GIVEN_UP, settled_at=now, reply=f"{OVER} {problem}")
    else:
        _record(word, state=State.WAITING, due_at=due, reply=str(problem))
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().get(pk=word.webhook_id)
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or now
        webhook.retry_at = now + retries.wait(webhook.failures, asked, jitter)
        webhook.note = str(problem)
        if isinstance(problem, GoneError) or retries.is_hopeless(
            webhook.failures, webhook.failing_since, now
        ):
            _disable(webhook, now)
        webhook.save()


def _disable(webhook: Webhook, now: datetime) -> None:
    since = clock.format_moment(webhook.failing_since or now)
    webhook.disabled_at = now
    webhook.note = f"Disabled after {webhook.failures} failures since {since}. {webhook.note}"
    log.error("webhook disabled", webhook=webhook.name, note=webhook.note)


def _put_back(word: WebhookDelivery) -> None:
    _record(word, state=State.WAITING, attempts=F("attempts") - 1)


def _record(word: WebhookDelivery, **facts: Any) -> None:
    """Record, unless the lease ran out meanwhile and another has the word."""
    mine = WebhookDelivery.objects.filter(pk=word.pk, state=State.CLAIMED, attempts=word.attempts)
    mine.update(lease_until=None, **facts)


def _about_subscriber(word: WebhookDelivery) -> dict[str, Any]:
    if word.subscriber is None:
        return {}
    return {"subscriber": word.subscriber.pk, "email": word.subscriber.email}


def _about_issue(word: WebhookDelivery) -> dict[str, Any]:
    if (issue := word.issue) is None:
        return {}
    known: dict[str, Any] = {"issue": issue.pk, "slot": issue.slot.isoformat()}
    if word.delivery_id is None:
        counts = progress(issue)
        known |= {"subject": issue.subject, "eligible": counts.eligible, **asdict(counts)}
    return known


def _about_delivery(word: WebhookDelivery) -> dict[str, Any]:
    found = Delivery.objects.filter(pk=word.delivery_id).first() if word.delivery_id else None
    return {"code": found.reply_code, "reply": found.reply} if found else {}
