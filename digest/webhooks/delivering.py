"""Deliver to webhooks what is due.

    round by round, for each webhook that may be called: claim its oldest delivery > post it >
    record the outcome

Claiming counts as an attempt. A worker that dies midway leaves a lease that runs out, and the event
is posted again under the same id: at least once, never lost. A webhook that fails is not called for
a while, whatever waits for it, so it costs the others one attempt.
"""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from digest.core import clock, jobs
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.core.http import FetchError, GoneError
from digest.webhooks import registry, retries
from digest.webhooks.models import Webhook, WebhookDelivery
from digest.webhooks.payloads import message_id, payload_of

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # much longer than an address may take to answer
RETENTION = timedelta(days=30)  # of deliveries that are settled
GIVEN_UP = "Given up after three days of attempts."

State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did."""

    delivered: int = 0
    failed: int = 0


def deliver_due() -> Run:
    """Deliver for a few seconds, or until nothing is due; enqueue a successor if more is left."""
    sweep(clock.now())
    delivered = failed = 0
    until = time.monotonic() + settings.DIGEST_SEND_SECONDS
    while deliveries := _claim_round(clock.now()):
        for delivery in deliveries:
            if time.monotonic() > until:
                _release(delivery)
            elif _deliver(delivery, clock.now()):
                delivered += 1
            else:
                failed += 1
        if time.monotonic() > until:
            jobs.enqueue(jobs.DELIVER_WEBHOOKS)
            break
    return Run(delivered, failed)


def sweep(now: datetime) -> None:
    """Queue again what a dead worker had claimed; give up what could not be delivered in time."""
    claimed = WebhookDelivery.objects.filter(state=State.CLAIMED)
    leases.expired(claimed, now).update(state=State.WAITING, lease_until=None)
    was_tried = (
        Q(attempts__gt=0) | Q(webhook__failures__gt=0) | Q(webhook__disabled_at__isnull=False)
    )
    too_old = WebhookDelivery.objects.filter(state=State.WAITING, at__lt=now - retries.GIVE_UP)
    too_old.filter(was_tried).update(state=State.GIVEN_UP, settled_at=now, reply=GIVEN_UP)


def delete_old(now: datetime) -> int:
    """Delete deliveries that were settled long ago; return how many."""
    deleted, _ = WebhookDelivery.objects.filter(settled_at__lte=now - RETENTION).delete()
    return deleted


def _claim_round(now: datetime) -> list[WebhookDelivery]:
    """Claim the oldest delivery of each webhook that may be called."""
    return [delivery for webhook in _callable(now) for delivery in claim(webhook, now)]


def _callable(now: datetime) -> QuerySet[Webhook]:
    may_retry = Q(retry_at__isnull=True) | Q(retry_at__lte=now)
    return Webhook.objects.filter(may_retry, disabled_at__isnull=True).order_by("pk")


def claim(webhook: Webhook, now: datetime) -> list[WebhookDelivery]:
    """Claim a webhook's oldest delivery that is due; empty if there is none."""
    related = ("webhook", "newsletter__publication", "subscriber", "issue")
    due = WebhookDelivery.objects.filter(webhook=webhook, state=State.WAITING, due_at__lte=now)
    return leases.claim(
        due.order_by("due_at", "pk"),
        limit=1,
        until=now + LEASE,
        related=related,
        state=State.CLAIMED,
        attempts=F("attempts") + 1,
    )


def _deliver(delivery: WebhookDelivery, now: datetime) -> bool:
    """Post one delivery and record the outcome; return whether it was accepted."""
    try:
        status = registry.post(delivery.webhook, message_id(delivery), payload_of(delivery), now)
    except DigestError as problem:
        _record_failure(delivery, problem, now)
        return False
    except DatabaseError:
        raise
    except Exception as problem:  # one odd event must not hold up all the others for ever
        log.exception("webhook delivery failed unexpectedly", webhook=delivery.webhook.name)
        _record_failure(delivery, DigestError(f"Unexpected error: {problem!r}"), now)
        return False
    leases.finish(delivery, state=State.DELIVERED, settled_at=now, reply=str(status))
    Webhook.objects.filter(pk=delivery.webhook_id).exclude(failures=0).update(
        failures=0, failing_since=None, retry_at=None, note=""
    )
    return True


def _record_failure(delivery: WebhookDelivery, problem: DigestError, now: datetime) -> None:
    """Record a failure on the delivery and on its webhook."""
    retry_after = problem.retry_after if isinstance(problem, FetchError) else None
    chance = random.random()  # noqa: S311
    due_at = retries.next_attempt(delivery.attempts, delivery.at, now, retry_after, chance)
    leases.finish(delivery, **_outcome(problem, due_at, now))
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().filter(pk=delivery.webhook_id).first()
        if webhook is None:  # removed while it was called
            return
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or now
        webhook.retry_at = now + retries.wait(webhook.failures, retry_after, chance)
        webhook.note = str(problem)
        if isinstance(problem, GoneError) or retries.is_hopeless(
            webhook.failures, webhook.failing_since, now
        ):
            _disable(webhook, now)
        webhook.save()


def _outcome(problem: DigestError, due_at: datetime | None, now: datetime) -> dict[str, Any]:
    if due_at is None:
        return {"state": State.GIVEN_UP, "settled_at": now, "reply": f"{GIVEN_UP} {problem}"}
    return {"state": State.WAITING, "due_at": due_at, "reply": str(problem)}


def _disable(webhook: Webhook, now: datetime) -> None:
    since = clock.format_moment(webhook.failing_since or now)
    webhook.disabled_at = now
    webhook.note = f"Disabled after {webhook.failures} failures since {since}. {webhook.note}"
    log.error("webhook disabled", webhook=webhook.name, note=webhook.note)


def _release(delivery: WebhookDelivery) -> None:
    leases.finish(delivery, state=State.WAITING, attempts=F("attempts") - 1)
