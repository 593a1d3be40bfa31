"""Addresses of providers' APIs, and what Digest knows of each provider.

    anymail+postmark://SERVER_TOKEN@default?message_stream=broadcast
    anymail+mailgun://API_KEY@mg.example.com?api_url=https://api.eu.mailgun.net/v3
    anymail+amazon_ses://ACCESS_KEY:SECRET_KEY@eu-west-1

User and password of the URL are the provider's secrets, percent-encoded where they must be; the
host is the sender's domain or the region where the provider wants one, otherwise `default`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from digest.core.errors import ConfigurationError

SCHEME = "anymail+"
CONNECT_SECONDS = 10
ANSWER_SECONDS = 60.0  # longer than any provider takes: an answer given up is a mail uncertain
PARALLEL = 8  # calls at once where a call carries one message
BATCH = 25  # messages in one call where it can; as many are uncertain if its answer is lost
_ANYWHERE = frozenset({"api_url", "timeout"})
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Provider:
    """How an address becomes the options of a backend, and in what form it takes our mail."""

    backend: str  # dotted path of what makes one
    secrets: tuple[str, ...]  # the options that user and password of the URL are
    host: str = ""  # the option that the host is
    options: frozenset[str] = frozenset()  # what the query may set, beside _ANYWHERE
    takes_bytes: bool = False  # our message goes out unchanged
    headers: Mapping[str, str] = field(default_factory=dict)  # to add where it doesn't
    batch: int = 0  # messages in one call, if each keeps its own headers and body


_ANYMAIL = "anymail.backends.{}.EmailBackend"
_OURS = "digest.relays.transports.esp.backends."
PROVIDERS = {
    "amazon_ses": Provider(
        _OURS + "amazon_ses",
        ("access_key", "secret_key"),
        host="region",
        options=frozenset({"configuration_set_name"}),
        takes_bytes=True,
    ),
    "brevo": Provider(_ANYMAIL.format("brevo"), ("api_key",)),
    "mailersend": Provider(_ANYMAIL.format("mailersend"), ("api_token",)),
    "mailgun": Provider(
        _OURS + "MailgunMime", ("api_key",), host="sender_domain", takes_bytes=True
    ),
    "postmark": Provider(
        _OURS + "PostmarkBatch",
        ("server_token",),
        options=frozenset({"message_stream"}),
        headers={"X-PM-KeepID": "true"},  # or it replaces our Message-ID
        batch=BATCH,
    ),
    "resend": Provider(_ANYMAIL.format("resend"), ("api_key",)),
    "sendgrid": Provider(_ANYMAIL.format("sendgrid"), ("api_key",)),
    "sparkpost": Provider(
        _ANYMAIL.format("sparkpost"), ("api_key",), options=frozenset({"subaccount"})
    ),
    "test": Provider(_ANYMAIL.format("test"), ()),  # keeps mails in django.core.mail.outbox
}


@dataclass(frozen=True, slots=True)
class EspAddress:
    """A provider, and the options of its backend."""

    name: str
    seconds: float  # to wait for an answer
    options: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def provider(self) -> Provider:
        """What is known of it."""
        return PROVIDERS[self.name]


def parse_address(url: str) -> EspAddress:
    """Read an address as shown at the top of this module.

    Raises ConfigurationError without repeating any of the URL but the provider's name, if known.
    """
    # urlsplit wants no underscore in a scheme
    name, _, rest = url.removeprefix(SCHEME).partition("://")
    name = name.replace("-", "_")
    if not url.startswith(SCHEME) or name not in PROVIDERS:
        raise ConfigurationError(
            f"DIGEST_SMTP_URL: after {SCHEME} comes one of {', '.join(sorted(PROVIDERS))}."
        )
    provider = PROVIDERS[name]
    parts, query = _split(name, rest)
    given = tuple(unquote(each) for each in (parts.username, parts.password) if each)
    if provider.secrets and not _fits(name, given):
        raise ConfigurationError(f"DIGEST_SMTP_URL: use {_form(name)}")
    if unknown := query.keys() - provider.options - _ANYWHERE:
        raise ConfigurationError(
            f"DIGEST_SMTP_URL: {_form(name)} takes no {len(unknown)} of the options given, only "
            f"{', '.join(sorted(provider.options | _ANYWHERE))}."
        )
    seconds = _seconds(query.pop("timeout", str(ANSWER_SECONDS)))
    options = query | dict(zip(provider.secrets, given, strict=False)) | _host(name, parts)
    if not _safe(options.get("api_url", "https://")):
        raise ConfigurationError(
            "DIGEST_SMTP_URL: api_url begins with https://, or the secrets travel in the clear."
        )
    return EspAddress(name=name, seconds=seconds, options=options, secrets=given)


def write_address(name: str, secrets: Sequence[str], host: str = "", options: str = "") -> str:
    """Put an address together that `parse_address` reads; raise ConfigurationError as it does.

    The host is the sender's domain or the region, where the provider wants one; `options` are
    written as in a query.
    """
    login = ":".join(quote(one, safe="") for one in secrets)
    query = f"?{options}" if options else ""
    place = quote(host, safe="") or "default"
    url = f"{SCHEME}{name}://{login}{'@' if login else ''}{place}{query}"
    parse_address(url)
    return url


def _split(name: str, rest: str) -> tuple[SplitResult, dict[str, str]]:
    try:
        parts = urlsplit(f"esp://{rest}")
        fits = bool(parts.hostname) and parts.path in {"", "/"} and parts.port is None
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        fits = False
    if not fits or parts.fragment:
        hint = "with secrets percent-encoded (/ is %2F)"
        raise ConfigurationError(f"DIGEST_SMTP_URL: use {_form(name)} {hint}")  # says no secret
    return parts, query


def _fits(name: str, given: tuple[str, ...]) -> bool:
    """Say whether as many secrets came as are needed; boto3 finds its own where none came."""
    plain = all(each.isascii() and each.isprintable() for each in given)
    wanted = {len(PROVIDERS[name].secrets)} | ({0} if name == "amazon_ses" else set())
    return plain and len(given) in wanted


def _host(name: str, parts: SplitResult) -> dict[str, str]:
    host, option = parts.hostname or "", PROVIDERS[name].host
    if host == "default":
        return {}
    if not option:
        raise ConfigurationError(f"DIGEST_SMTP_URL: use {_form(name)}")
    return {option: host}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 600:
        raise ConfigurationError("DIGEST_SMTP_URL: timeout is in seconds, up to 600.")
    return seconds


def _safe(api_url: str) -> bool:
    try:
        parts = urlsplit(api_url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _form(name: str) -> str:
    provider = PROVIDERS[name]
    secrets = ":".join(each.upper() for each in provider.secrets) or "ANYTHING"
    return f"{SCHEME}{name}://{secrets}@{provider.host.upper() or 'default'}"
