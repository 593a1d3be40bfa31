"""Webhooks: add, find, test, enable, remove."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q

from digest.core import http, links, sealing, ssrf_guard
from digest.core.errors import DigestError
from digest.newsletters.models import Publication
from digest.webhooks import signing
from digest.webhooks.models import Event, Webhook, WebhookDelivery

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class WebhookError(DigestError):
    """A webhook cannot be as asked for."""


def add(
    name: str,
    url: str,
    events: Iterable[str],
    *,
    now: datetime,
    publication: Publication | None = None,
) -> tuple[Webhook, str]:
    """Tell an address of events from now on; return the webhook, and the secret that it signs with.

    Raises WebhookError for a name that is taken, an unknown event, or an address that won't do.
    """
    if not _NAME.fullmatch(name) or len(name) > 64:
        raise WebhookError(f"{name!r} cannot be a name; use a-z, 0-9 and hyphens.")
    secret = signing.new_secret()
    webhook = Webhook(
        name=name,
        url=_address(url),
        sealed_secret=sealing.seal(secret),
        events=_known(events),
        publication=publication,
        created_at=now,
    )
    try:
        with transaction.atomic():
            webhook.save()
    except IntegrityError as cause:
        raise WebhookError(f"There is a webhook {name!r} already.") from cause
    return webhook, secret


def find(name: str) -> Webhook:
    """Return a webhook; raise WebhookError if there is none."""
    if found := Webhook.objects.filter(name=name).first():
        return found
    raise WebhookError(f"There is no webhook {name!r}. `digest webhook list` shows them.")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a webhook is doing, and how many words it was told or is still to be told."""

    state: str  # ok, failing or disabled
    waiting: int
    told: int  # of the last `telling.KEPT`, as what was given up
    given_up: int


def standing(webhook: Webhook) -> Standing:
    """Return how a webhook is doing."""
    counts = webhook.deliveries.aggregate(
        waiting=Count(
            "id", filter=Q(state__in=[WebhookDelivery.State.WAITING, WebhookDelivery.State.CLAIMED])
        ),
        told=Count("id", filter=Q(state=WebhookDelivery.State.DELIVERED)),
        given_up=Count("id", filter=Q(state=WebhookDelivery.State.GIVEN_UP)),
    )
    state = "disabled" if webhook.disabled_at else "failing" if webhook.failures else "ok"
    return Standing(state, **counts)


def test(webhook: Webhook, now: datetime) -> int:
    """Send a webhook a signed event called `test`, at once; return its 2xx status, or raise."""
    stamp = int(now.timestamp() * 1_000_000)
    body = f'{{"type":"test","timestamp":"{now.isoformat()}","data":{{}}}}'.encode()
    return send(webhook, f"msg_{links.sign('webhook-test', webhook.pk, stamp)}", body, now)


def send(webhook: Webhook, message_id: str, body: bytes, now: datetime) -> int:
    """Post a signed body to a webhook; return the 2xx status, or raise FetchError."""
    secret = sealing.unseal(webhook.sealed_secret)
    signed = signing.headers(secret, message_id, int(now.timestamp()), body)
    return http.post(webhook.url, body, signed)


def enable(webhook: Webhook) -> None:
    """Let a webhook be told again, from what happens now on."""
    webhook.disabled_at = webhook.failing_since = webhook.retry_at = None
    webhook.failures, webhook.note = 0, ""
    webhook.save()


def _known(events: Iterable[str]) -> list[str]:
    given = set(events)
    if unknown := sorted(given - set(Event)):
        raise WebhookError(f"{unknown[0]!r} is no event. There are: {', '.join(Event)}.")
    if not given:
        raise WebhookError(f"Say which events: {', '.join(Event)}.")
    return [event.value for event in Event if event in given]


def _address(url: str) -> str:
    """Return an address that mail addresses may be sent to: https, or one that is excepted."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as cause:
        raise WebhookError(f"{url[:200]!r} is no web address.") from cause
    if parts.scheme not in {"http", "https"} or not host or len(url) > http.MAX_URL:
        raise WebhookError(f"{url[:200]!r} is no web address; it has to begin with https://.")
    if parts.username or parts.password:
        raise WebhookError("Leave name and password out: the signature says who calls.")
    if _is_excepted(host, port):
        return url.strip()
    if parts.scheme != "https":
        raise WebhookError("Subscribers' addresses go there: it has to begin with https://.")
    return url.strip()


def _is_excepted(host: str, port: int) -> bool:
    """Say whether the operator named this address; raise WebhookError for one that is nobody's."""
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    if any(one.covers(str(ip), port) for one in ssrf_guard.allowed(settings.DIGEST_FETCH_ALLOW)):
        return True
    if not ssrf_guard.is_public(str(ip)):
        raise WebhookError(f"{host} is not on the public internet; name it in DIGEST_FETCH_ALLOW.")
    return False
