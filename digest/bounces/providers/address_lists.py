"""Hard bounces of the last hours that providers list by address, without what names our mail.

Brevo and SendGrid have no other history. We ask with our own key, so the provider is trusted where
it says that an address does not exist (`tracing.trace_address`). Nothing else follows from a list:
a complaint may be about a mail that somebody else sends by the same account.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from anymail.signals import AnymailTrackingEvent

from digest.bounces.providers.asking import get_json
from digest.bounces.providers.receiving import read_event
from digest.core import clock
from digest.relays.transports.esp.address import EspAddress

PAGES = 100
PAGE = 500  # rows; the most that SendGrid gives


def _brevo(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield the hard bounces of the days since a moment."""
    base = str(address.options.get("api_url", "https://api.brevo.com/v3")).rstrip("/")
    headers = {"api-key": str(address.options["api_key"])}
    for page in range(PAGES):
        parameters = {
            "event": "hardBounces",
            "startDate": since.date().isoformat(),
            "endDate": clock.now().date().isoformat(),
            "limit": PAGE,
            "offset": page * PAGE,
        }
        answer = get_json(f"{base}/smtp/statistics/events", parameters, headers=headers)
        rows = answer.get("events") or []
        for row in rows:
            yield from read_event(_brevo_event, row)
        if len(rows) < PAGE:
            return


def _sendgrid(address: EspAddress, since: datetime) -> Iterator[Any]:
    """Yield the bounces since a moment."""
    base = str(address.options.get("api_url", "https://api.sendgrid.com/v3")).rstrip("/")
    headers = {"Authorization": f"Bearer {address.options['api_key']}"}
    for page in range(PAGES):
        parameters = {"start_time": int(since.timestamp()), "limit": PAGE, "offset": page * PAGE}
        rows = get_json(f"{base}/suppression/bounces", parameters, list, headers=headers)
        for row in rows:
            yield from read_event(_sendgrid_event, row)
        if len(rows) < PAGE:
            return


def _brevo_event(row: dict[str, Any]) -> Any:
    at = datetime.fromisoformat(str(row["date"]))
    return _event(row, row.get("reason"), at if at.tzinfo else None)


def _sendgrid_event(row: dict[str, Any]) -> Any:
    return _event(row, row.get("reason"), datetime.fromtimestamp(int(row["created"]), UTC))


def _event(row: dict[str, Any], reply: Any, at: datetime | None) -> Any:
    return AnymailTrackingEvent(
        event_type="bounced",
        recipient=str(row["email"]),
        mta_response=str(reply or ""),
        timestamp=at,
        esp_event=row,
    )


ADDRESS_LISTS: dict[str, Callable[[EspAddress, datetime], Iterator[Any]]] = {
    "brevo": _brevo,
    "sendgrid": _sendgrid,
}
