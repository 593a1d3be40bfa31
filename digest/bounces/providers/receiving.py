"""Take the events that a provider reports for a mail server.

Each mail server that is a provider has an address of its own, which nobody can guess. Providers
that sign are checked too: set `webhook_key` in the mail server's options. Whose mail an event is
about is said by our signed tokens, which we send as metadata and in the Message-ID; so events fit
in any order, before or after our own record of the delivery, and any number of times.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from digest.bounces.providers import meaning, signatures
from digest.bounces.providers.errors import ProviderEventError
from digest.bounces.reading.reasons import Consequence
from digest.bounces.recording import record
from digest.bounces.tracing import trace, trace_address
from digest.core import http, links
from digest.core.errors import DigestError
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.transports.esp.address import SCHEME, EspAddress, parse_address

log = structlog.get_logger(__name__)

OLDEST = timedelta(days=30)  # an older moment in an event is not believed
_VIEW = "anymail.webhooks.{}TrackingWebhookView"


@dataclass(frozen=True, slots=True)
class Source:
    """How a provider's events are read: anymail's view, and its option for the signing key."""

    view: str
    key: str = ""  # "": it does not sign, or `signatures` checks it


SOURCES = {
    "amazon_ses": Source(_VIEW.format("amazon_ses.AmazonSES")),
    "brevo": Source(_VIEW.format("brevo.Brevo")),
    "mailersend": Source(_VIEW.format("mailersend.MailerSend"), "signing_secret"),
    "mailgun": Source(_VIEW.format("mailgun.Mailgun"), "webhook_signing_key"),
    "postmark": Source(_VIEW.format("postmark.Postmark")),
    "resend": Source(_VIEW.format("resend.Resend")),
    "sendgrid": Source(_VIEW.format("sendgrid.SendGrid"), "tracking_webhook_verification_key"),
    "sparkpost": Source(_VIEW.format("sparkpost.SparkPost")),
}
# What reading values of other types, and JSON without end, raises.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
_SIGN = {"mailersend", "mailgun", "resend", "sendgrid"}


def events_url(relay: Relay) -> str:
    """Return the address to enter at a relay's provider, or "" where it reports none."""
    try:
        address = _address_of(relay)
    except DigestError:
        return ""
    if address is None or address.name not in SOURCES:
        return ""
    token = links.sign("provider-events", relay.pk)
    return f"{settings.DIGEST_BASE_URL.rstrip('/')}/provider-events/{token}"


def receive(token: str, request: HttpRequest, now: datetime) -> int:
    """Record what a provider's call reports; return how many events changed something.

    Raises LinkError for an address that is not ours, ProviderEventError for a call that cannot be
    believed or understood, ConfigurationError for a relay whose address cannot be read.
    """
    (relay_id,) = links.read("provider-events", token)
    relay = Relay.objects.filter(pk=relay_id).first()
    address = _address_of(relay) if relay else None
    if address is None or address.name not in SOURCES:
        raise ProviderEventError("There is no such mail server any more.")
    events = _events(address, request)
    recorded = sum(record_event(event, now) for event in events)
    log.info("provider events", relay=str(relay), events=len(events), recorded=recorded)
    return recorded


def record_event(event: Any, now: datetime, *, trusts_address: bool = False) -> bool:
    """Record one of anymail's tracking events, if it is about our mail and something follows.

    Where the address is trusted, a hard bounce counts without a token of ours too.
    """
    try:
        finding = meaning.finding_of(event)
        tokens = meaning.tokens_of(event) if finding else None
    except MALFORMED as problem:
        log.warning("provider event not understood", problem=repr(problem)[:200])
        return False
    mail = trace(tokens) if tokens else None
    if finding and trusts_address and finding.consequence == Consequence.HARD:
        mail = mail or trace_address(finding.recipient)
    if finding is None or mail is None:
        return False
    at = event.timestamp if isinstance(event.timestamp, datetime) else now
    at = at if at.tzinfo and now - OLDEST < at <= now else now
    return record(mail.subscriber, mail.issue, finding, at) is not None


def read_event(read: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Yield what `read` makes of an event of a history; nothing for an odd one, which is logged.

    It would hold up all the others for days.
    """
    try:
        yield read(*arguments)
    except (AnymailError, *MALFORMED) as problem:
        log.warning("provider event not understood", problem=repr(problem)[:200])


def _events(address: EspAddress, request: HttpRequest) -> list[Any]:
    try:
        _check_own_signature(address, request)
        view = _view(address)
        view.run_validators(request)
        if address.name == "amazon_ses":
            return _ses_events(view, request)
        return list(view.parse_events(request))
    except AnymailWebhookValidationFailure as cause:
        raise ProviderEventError("The signature does not match webhook_key.") from cause
    except DigestError:
        raise
    except (AnymailError, *MALFORMED) as cause:
        raise ProviderEventError("The events cannot be understood.") from cause


def _view(address: EspAddress) -> Any:
    """Return anymail's view of a provider; the address of the call is secret, so it may be open."""
    source = SOURCES[address.name]
    quiet = type("View", (import_string(source.view),), {"warn_if_no_basic_auth": False})
    return quiet(**({source.key: address.webhook_key} if source.key else {}))


def _check_own_signature(address: EspAddress, request: HttpRequest) -> None:
    if address.name in _SIGN and not address.webhook_key:
        raise ProviderEventError(
            "The mail server has no webhook_key. Add the provider's signing key to its options."
        )
    if address.name == "resend":
        signatures.check_svix(address.webhook_key, request.body, request.headers)
    elif address.name == "amazon_ses":
        signatures.check_sns(json.loads(request.body))


def _ses_events(view: Any, request: HttpRequest) -> list[Any]:
    """Return the events of a notification; confirm a subscription, whose message is signed."""
    message = json.loads(request.body)
    if message.get("Type") == "SubscriptionConfirmation":
        signatures.require_sns_address(message["SubscribeURL"])
        http.fetch(message["SubscribeURL"])
        return []
    text = str(message.get("Message", ""))
    if not text.startswith("{"):
        return []
    return list(view.esp_to_anymail_events(json.loads(text), message))


def _address_of(relay: Relay) -> EspAddress | None:
    url = registry.url_of(relay)
    return parse_address(url) if url.startswith(SCHEME) else None
