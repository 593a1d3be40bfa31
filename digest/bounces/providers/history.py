"""Ask providers for the events of the last hours, in case a webhook lost some.

A provider gives up after some hours if our address does not answer; its API still has the events.
Mailgun and Postmark have such an API. What is known already changes nothing.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import requests
import structlog
from django.utils.module_loading import import_string

from digest.bounces.models import ProviderHistory
from digest.bounces.providers.errors import ProviderEventError
from digest.bounces.providers.receiving import SOURCES, record_event
from digest.core.errors import DigestError
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.transports.esp.address import (
    CONNECT_SECONDS,
    SCHEME,
    EspAddress,
    parse_address,
)

EVERY = timedelta(hours=1)
OVERLAP = timedelta(hours=1)  # events appear in the API with a delay
FARTHEST = timedelta(days=3)  # back; Mailgun keeps events for some days
PAGES = 100
PAGE = 300  # events

log = structlog.get_logger(__name__)


def ask_due(now: datetime) -> int:
    """Ask for each active mail server whose provider has a history; return how many were asked."""
    number = 0
    for relay in Relay.objects.filter(active=True):
        try:
            url = registry.url_of(relay)
            address = parse_address(url) if url.startswith(SCHEME) else None
            if address and address.name in _HISTORIES:
                number += _ask_if_due(relay, address, now)
        except DigestError as problem:
            log.warning("provider history not read", relay=relay.name, problem=str(problem))
    return number


def _ask_if_due(relay: Relay, address: EspAddress, now: datetime) -> bool:
    row, _ = ProviderHistory.objects.get_or_create(relay=relay, defaults={"asked_at": now - EVERY})
    if row.asked_at > now - EVERY:
        return False
    since = max(row.asked_at - OVERLAP, now - FARTHEST)
    recorded = sum(record_event(event, now) for event in _HISTORIES[address.name](address, since))
    ProviderHistory.objects.filter(pk=row.pk).update(asked_at=now)
    log.info("provider history read", relay=relay.name, recorded=recorded)
    return True


def _mailgun(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield events since a moment, oldest first."""
    base = str(address.options.get("api_url", "https://api.mailgun.net/v3")).rstrip("/")
    url = f"{base}/{address.options['sender_domain']}/events"
    parameters: dict[str, Any] | None = {
        "event": "failed OR rejected OR complained",
        "begin": int(since.timestamp()),
        "ascending": "yes",
        "limit": PAGE,
    }
    view = _view("mailgun", webhook_signing_key="unused")
    login = ("api", str(address.options["api_key"]))
    for _ in range(PAGES):
        page = _get(url, parameters, auth=login)
        items = page.get("items") or []
        yield from (view.esp_to_anymail_event({"event-data": item}) for item in items)
        url, parameters = str(page.get("paging", {}).get("next", "")), None
        if not items or not url.startswith(f"{base}/"):  # our key goes nowhere else
            return


def _postmark(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield bounces and complaints since a moment, with the metadata of their messages."""
    base = str(address.options.get("api_url", "https://api.postmarkapp.com/")).rstrip("/")
    headers = {
        "X-Postmark-Server-Token": str(address.options["server_token"]),
        "Accept": "application/json",
    }
    view = _view("postmark")
    for page in range(PAGES):
        parameters = {
            "count": PAGE,
            "offset": page * PAGE,
            "fromdate": since.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        bounces = _get(f"{base}/bounces", parameters, headers=headers).get("Bounces") or []
        for bounce in bounces:
            details = f"{base}/messages/outbound/{bounce['MessageID']}/details"
            metadata = _get(details, None, headers=headers).get("Metadata") or {}
            event = {"RecordType": "Bounce", **bounce, "Metadata": metadata}
            yield view.esp_to_anymail_event(event)
        if len(bounces) < PAGE:
            return


_HISTORIES: dict[str, Callable[[EspAddress, datetime], Iterator[Any]]] = {
    "mailgun": _mailgun,
    "postmark": _postmark,
}


def _view(name: str, **options: str) -> Any:
    view = import_string(SOURCES[name].view)
    return type("View", (view,), {"warn_if_no_basic_auth": False})(**options)


def _get(url: str, parameters: dict[str, Any] | None, **options: Any) -> dict[str, Any]:
    """Return an answer in JSON; raises ProviderEventError."""
    try:
        response = requests.get(
            url, parameters, timeout=(CONNECT_SECONDS, 60), allow_redirects=False, **options
        )
        response.raise_for_status()
        answer = response.json()
    except (requests.RequestException, ValueError) as cause:
        raise ProviderEventError(f"The provider's history cannot be read: {cause}") from cause
    if response.status_code != 200 or not isinstance(answer, dict):
        raise ProviderEventError("The provider's history cannot be read: it is not JSON.")
    return answer
