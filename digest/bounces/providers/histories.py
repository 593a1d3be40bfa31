"""The events of the last hours, as providers' APIs list them; one function for each provider.

Only where an event repeats what we gave its message, so that it names our mail by a signed token:

    Mailgun, SparkPost    with the message's headers, or its metadata
    Postmark              with the metadata of a second call
    MailerSend            with the tags of the message
    Amazon SES, Resend    have no such API
    Brevo, SendGrid       list addresses, without what we gave the message (SendGrid's Email
                          Activity, which is sold beside, aside)
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import requests
from django.utils.module_loading import import_string

from digest.bounces.providers.errors import ProviderEventError
from digest.bounces.providers.receiving import SOURCES
from digest.core import clock
from digest.relays.transports.esp.address import CONNECT_SECONDS, EspAddress

PAGES = 100
PAGE = 300  # events
_ANSWER_SECONDS = 60
_MAILERSEND_PAGE = 100  # the most it accepts
_PROBLEMS = {
    401: "The provider refuses the key. Check that it may also read events.",
    403: "The provider refuses the key. Check that it may also read events.",
    429: "The provider asks for a pause (429). It is asked again in some minutes.",
}


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
        page = _get(url, query, headers=headers)
        for item in page.get("results") or []:
            # The API writes RFC 3339, the webhook seconds.
            event = item | {"timestamp": _seconds(str(item.get("timestamp", "")))}
            yield view.esp_to_anymail_event("message_event", event, {"msys": {"": event}})
        link = str((page.get("links") or {}).get("next") or "")
        if not link.startswith("/api/v1/"):
            return
        url, query = base.removesuffix("/api/v1") + link, None


def _mailersend(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield the activity of each domain since a moment."""
    base = str(address.options.get("api_url", "https://api.mailersend.com/v1")).rstrip("/")
    headers = {"Authorization": f"Bearer {address.options['api_token']}"}
    view = _view("mailersend", signing_secret="unused")  # noqa: S106
    domains = _get(f"{base}/domains", {"limit": 100}, headers=headers).get("data") or []
    for domain in domains:
        for page in range(1, PAGES + 1):
            parameters = {
                "page": page,
                "limit": _MAILERSEND_PAGE,
                "date_from": int(since.timestamp()),
                "date_to": int(clock.now().timestamp()),
                "event[]": ["soft_bounced", "hard_bounced", "spam_complaint"],
            }
            items = _get(f"{base}/activity/{domain['id']}", parameters, headers=headers)["data"]
            yield from (view.esp_to_anymail_event({"data": item}) for item in items)
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


def _get(url: str, parameters: dict[str, Any] | None, **options: Any) -> dict[str, Any]:
    """Return an answer in JSON; raises ProviderEventError."""
    try:
        response = requests.get(
            url,
            parameters,
            timeout=(CONNECT_SECONDS, _ANSWER_SECONDS),
            allow_redirects=False,
            **options,
        )
        if response.status_code in _PROBLEMS:
            raise ProviderEventError(_PROBLEMS[response.status_code])
        response.raise_for_status()
        answer = response.json()
    except (requests.RequestException, ValueError) as cause:
        raise ProviderEventError(f"The provider's history cannot be read: {cause}") from cause
    if response.status_code != 200 or not isinstance(answer, dict):
        raise ProviderEventError("The provider's history cannot be read: it is not JSON.")
    return answer
