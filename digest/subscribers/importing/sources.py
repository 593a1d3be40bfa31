"""The systems that lists come from: how their exports are recognised, and what columns mean there.

Headings are those of the exports in English, compared as `states.plain` writes them; where a system
translates its headings, `headings` reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.states import plain


@dataclass(frozen=True, slots=True)
class Source:
    """A system, the sets of headings that give its exports away, and its columns' meanings."""

    name: str
    signatures: tuple[frozenset[str], ...]
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    terms: Mapping[str, Cause] = field(default_factory=dict)  # states that mean another one there


def recognise(header: Sequence[str]) -> str:
    """Return the key of the system that wrote a list, or "" if it is none that we know."""
    headings = {plain(heading) for heading in header}
    matches = [
        (max(len(signature) for signature in source.signatures if signature <= headings), key)
        for key, source in SOURCES.items()
        if any(signature <= headings for signature in source.signatures)
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else ""


def _signatures(*lines: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(heading.strip() for heading in line.split(",")) for line in lines)


def _meanings(meaning: Meaning, headings: str) -> dict[str, Meaning]:
    return {heading.strip(): meaning for heading in headings.split(",")}


SOURCES: Mapping[str, Source] = {
    "digest": Source("Digest", _signatures("email, state, confirmed at, unsubscribed at")),
    "mailchimp": Source(
        "Mailchimp",
        _signatures("member rating", "leid", "optin time", "euid"),
        _meanings(Meaning.STOPPED, "unsub time, clean time, unsub reason, unsub campaign title")
        | _meanings(Meaning.STOPPED, "unsub campaign id, clean campaign title, clean campaign id"),
    ),
    "substack": Source(
        "Substack",
        _signatures(
            "active subscription, email disabled",
            "email disabled, expiry",
            "stripe plan, paid upgrade date",
            "active subscription, expiry, plan",
        ),
        _meanings(Meaning.STOPPED, "email disabled")
        | _meanings(Meaning.IGNORED, "active subscription, expiry, plan, type, cancel date")
        | _meanings(Meaning.IGNORED, "first payment at, stripe plan, paid upgrade date"),
    ),
    "ghost": Source(
        "Ghost",
        _signatures("subscribed to emails, complimentary plan", "subscribed to emails, deleted at"),
        _meanings(Meaning.ALLOWED, "subscribed to emails")
        | _meanings(Meaning.STOPPED, "deleted at"),
    ),
    "listmonk": Source(
        "listmonk",
        _signatures("uuid, email, attributes, status", "uuid, email, name, status"),
        _meanings(Meaning.STATE, "status, subscription status"),
    ),
    "mailpoet": Source(
        "MailPoet",
        _signatures("list status, global status"),
        _meanings(Meaning.STATE, "list status, global status"),
    ),
    "beehiiv": Source(
        "beehiiv",
        _signatures(
            "email, status, subscription tier",
            "email, status, utm source, utm medium",
            "email, status, acquisition source",
            "email, status, referral code",
        ),
        _meanings(Meaning.STATE, "status")
        | _meanings(Meaning.IGNORED, "tier, subscription tier, stripe status, premium status"),
        {"inactive": Cause.UNSUBSCRIBED},  # who left, or was removed
    ),
    "kit": Source(
        "Kit (ConvertKit)",
        _signatures(
            "first name, email, status, created at, tags",
            "first name, email, state, created at, tags",
            "first name, email, state, created at",
            "email, subscriber state",
        ),
        _meanings(Meaning.STATE, "status, state, subscriber state")
        | _meanings(Meaning.STOPPED, "cancelled at, canceled at"),
    ),
    "buttondown": Source(
        "Buttondown",
        _signatures(
            "type, unsubscription date",
            "subscriber type, creation date",
            "type, creation date",
            "undeliverability date",
            "unsubscription date",
            "email address, type, referrer url",
        ),
        _meanings(Meaning.STATE, "type, subscriber type, status")
        | _meanings(Meaning.STOPPED, "unsubscription date, undeliverability date, bounce date")
        | _meanings(Meaning.STOPPED, "undeliverability reason, unsubscription reason"),
    ),
    "mailerlite": Source(
        "MailerLite",
        _signatures("subscriber, status, sent, opens", "subscriber, subscribed, unsubscribed"),
        _meanings(Meaning.STOPPED, "unsubscribed"),
    ),
    "brevo": Source(
        "Brevo (Sendinblue)",
        _signatures("email, added time, modified time", "contact id, email, email blocklisted"),
    ),
    "campaignmonitor": Source(
        "Campaign Monitor",
        _signatures("email address, date subscribed, reads mail with"),
    ),
    "hubspot": Source("HubSpot", _signatures("email, unsubscribed from all email")),
    "klaviyo": Source("Klaviyo", _signatures("email, email marketing consent")),
    "shopify": Source(
        "Shopify", _signatures("email, accepts email marketing", "email, accepts marketing")
    ),
}
