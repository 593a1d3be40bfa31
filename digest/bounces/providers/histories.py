"""The events of the last hours, as providers' APIs list them; one function for each provider.

Only where an event repeats what we gave its message, so that it names our mail by a signed token:

    Mailgun, SparkPost    with the message's headers, or its metadata
    Postmark              with the metadata of a second call
    MailerSend            with the tags of the message
    Amazon SES, Resend    have no such API
    Brevo, SendGrid       list addresses, without what we gave the message (`address_lists`)
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string

from digest.bounces.providers.asking import get_json
from digest.bounces.providers.errors import UnknownToProviderError
from digest.bounces.providers.receiving import SOURCES, read_event
from digest.core import clock
from digest.relays.transports.esp.address import EspAddress

PAGES = 100
PAGE = 300  # events
_MAILERSEND_PAGE = 100  # the most it accepts


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
        page = get_json(url, parameters, auth=login)
        items = page.get("items") or []
        for item in items:
            yield from read_event(view.esp_to_anymail_event, {"event-data": item})
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
        bounces = get_json(f"{base}/bounces", parameters, headers=headers).get("Bounces") or []
        for bounce in bounces:
            with suppress(UnknownToProviderError):  # it keeps bounces longer than messages
                yield from read_event(_postmark_event, view, bounce, base, headers)
        if len(bounces) < PAGE:
            return


def _postmark_event(view: Any, bounce: Any, base: str, headers: dict[str, str]) -> Any:
    """Read a bounce, with the metadata of its message."""
    details = f"{base}/messages/outbound/{bounce['MessageID']}/details"
    metadata = get_json(details, None, headers=headers).get("Metadata") or {}
    return view.esp_to_anymail_event({"RecordType": "Bounce", **bounce, "Metadata": metadata})


def _sparkpost(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield events since a moment; a page names the next one."""
    base = str(address.options.get("api_url", "https://api.sparkpost.com/api/v1")).rstrip("/")
    headers = {"Authorization": str(address.options["api_key"])}
    url = f"{base}/events/message"
    query: dict[str, Any] | None = {
        "events": "bounce,out_of_band,policy_rejection,spam_complaint",
        "from": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "per_page": PAGE,
        "cursor": "initial",
    }
    view = _view("sparkpost")
    for _ in range(PAGES):
        page = get_json(url, query, headers=headers)
        for item in page.get("results") or []:
            yield from read_event(_sparkpost_event, view, item)
        link = str((page.get("links") or {}).get("next") or "")
        if not link.startswith("/api/v1/"):
            return
        url, query = base.removesuffix("/api/v1") + link, None


def _sparkpost_event(view: Any, item: Any) -> Any:
    """Read an event of the API, which writes RFC 3339 where the webhook has seconds."""
    event = item | {"timestamp": _seconds(str(item.get("timestamp", "")))}
    return view.esp_to_anymail_event("message_event", event, {"msys": {"": event}})


def _mailersend(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield the activity of each domain since a moment."""
    base = str(address.options.get("api_url", "https://api.mailersend.com/v1")).rstrip("/")
    headers = {"Authorization": f"Bearer {address.options['api_token']}"}
    view = _view("mailersend", signing_secret="unused")  # noqa: S106
    domains = get_json(f"{base}/domains", {"limit": 100}, headers=headers).get("data") or []
    for domain in domains:
        for page in range(1, PAGES + 1):
            parameters = {
                "page": page,
                "limit": _MAILERSEND_PAGE,
                "date_from": int(since.timestamp()),
                "date_to": int(clock.now().timestamp()),
                "event[]": ["soft_bounced", "hard_bounced", "spam_complaint"],
            }
            items = get_json(f"{base}/activity/{domain['id']}", parameters, headers=headers)["data"]
            for item in items:
                yield from read_event(view.esp_to_anymail_event, {"data": item})
            if len(items) < _MAILERSEND_PAGE:
                break


def _seconds(text: str) -> float | None:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return None


HISTORIES: dict[str, Callable[[EspAddress, datetime], Iterator[Any]]] = {
    "mailersend": _mailersend,
    "mailgun": _mailgun,
    "postmark": _postmark,
    "sparkpost": _sparkpost,
}


def _view(name: str, **options: str) -> Any:
    view = import_string(SOURCES[name].view)
    return type("View", (view,), {"warn_if_no_basic_auth": False})(**options)
