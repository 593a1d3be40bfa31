"""Addresses of providers' APIs, and what differs between providers.

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
_PREFIX = "The address of the relay:"  # in every message
CONNECT_SECONDS = 10
ANSWER_SECONDS = 60.0  # longer than any provider takes: after a timeout the message is uncertain
PARALLEL = 8  # calls at once where a call carries one message
BATCH = 25  # messages in one call, where possible; all are uncertain if its answer is lost
_COMMON_OPTIONS = frozenset({"api_url", "timeout", "webhook_key"})
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Provider:
    """How an address becomes the options of a backend, and in what form our mail is sent."""

    label: str  # as the provider writes its name
    backend: str  # dotted path of the class or function that makes one
    secrets: tuple[str, ...]  # the options in the URL's user and password
    host: str = ""  # the option in the URL's host
    options: frozenset[str] = frozenset()  # options of the query, beside _COMMON_OPTIONS
    accepts_raw: bool = False  # it accepts our MIME message unchanged
    headers: Mapping[str, str] = field(default_factory=dict)  # to add otherwise
    repeats: str = "metadata"  # what its events repeat, so that they name our mail; or "tags"
    batch: int = 0  # messages in one call, if each has its own headers and body


_ANYMAIL = "anymail.backends.{}.EmailBackend"
_DIGEST = "digest.relays.transports.esp.backends."
PROVIDERS = {
    "amazon_ses": Provider(
        "Amazon SES",
        _DIGEST + "amazon_ses",
        ("access_key", "secret_key"),
        host="region",
        options=frozenset({"configuration_set_name"}),
        accepts_raw=True,
    ),
    "brevo": Provider("Brevo", _ANYMAIL.format("brevo"), ("api_key",)),
    "mailersend": Provider(
        "MailerSend", _ANYMAIL.format("mailersend"), ("api_token",), repeats="tags"
    ),
    "mailgun": Provider(
        "Mailgun", _DIGEST + "MailgunMime", ("api_key",), host="sender_domain", accepts_raw=True
    ),
    "postmark": Provider(
        "Postmark",
        _DIGEST + "PostmarkBatch",
        ("server_token",),
        options=frozenset({"message_stream"}),
        headers={"X-PM-KeepID": "true"},  # otherwise it replaces our Message-ID
        batch=BATCH,
    ),
    "resend": Provider("Resend", _ANYMAIL.format("resend"), ("api_key",)),
    "sendgrid": Provider("SendGrid", _ANYMAIL.format("sendgrid"), ("api_key",)),
    "sparkpost": Provider(
        "SparkPost", _ANYMAIL.format("sparkpost"), ("api_key",), options=frozenset({"subaccount"})
    ),
    "test": Provider("", _ANYMAIL.format("test"), ()),  # stores mail in django.core.mail.outbox
}


@dataclass(frozen=True, slots=True)
class EspAddress:
    """A provider, and the options of its backend."""

    name: str
    seconds: float  # to wait for an answer
    options: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    webhook_key: str = field(default="", repr=False)  # that the provider signs its events with

    @property
    def provider(self) -> Provider:
        """What differs for this provider."""
        return PROVIDERS[self.name]


def parse_address(url: str) -> EspAddress:
    """Read an address as shown at the top of this module.

    Raises ConfigurationError, which repeats nothing of the URL but a provider's name.
    """
    # urlsplit allows no underscore in a scheme.
    name, _, rest = url.removeprefix(SCHEME).partition("://")
    name = name.replace("-", "_")
    if not url.startswith(SCHEME) or name not in PROVIDERS:
        raise ConfigurationError(
            f"{_PREFIX} after {SCHEME} write one of {', '.join(sorted(PROVIDERS))}."
        )
    provider = PROVIDERS[name]
    parts, query = _split(name, rest)
    secrets = tuple(unquote(part) for part in (parts.username, parts.password) if part)
    if provider.secrets and not _are_usable(name, secrets):
        raise ConfigurationError(f"{_PREFIX} use {_form(name)}")
    if query.keys() - provider.options - _COMMON_OPTIONS:
        raise ConfigurationError(
            f"{_PREFIX} {_form(name)} accepts only the options "
            f"{', '.join(sorted(provider.options | _COMMON_OPTIONS))}."
        )
    seconds = _seconds(query.pop("timeout", str(ANSWER_SECONDS)))
    webhook_key = query.pop("webhook_key", "")
    options = query | dict(zip(provider.secrets, secrets, strict=False)) | _host(name, parts)
    if not _is_safe(options.get("api_url", "https://")):
        raise ConfigurationError(
            f"{_PREFIX} api_url must begin with https://, or the secrets travel unencrypted."
        )
    return EspAddress(name, seconds, options, secrets, webhook_key)


def write_address(name: str, secrets: Sequence[str], host: str = "", options: str = "") -> str:
    """Return an address that `parse_address` reads; raises ConfigurationError as it does.

    The host is the sender's domain or the region, where the provider wants one; `options` are
    written as in a query.
    """
    login = ":".join(quote(secret, safe="") for secret in secrets)
    query = f"?{options}" if options else ""
    authority = quote(host, safe="") or "default"
    url = f"{SCHEME}{name}://{login}{'@' if login else ''}{authority}{query}"
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
        raise ConfigurationError(
            f"{_PREFIX} use {_form(name)} with secrets percent-encoded (/ is %2F)"
        )
    return parts, query


def _are_usable(name: str, secrets: tuple[str, ...]) -> bool:
    """Return whether all secrets are there; without any, boto3 looks for some itself."""
    plain = all(secret.isascii() and secret.isprintable() for secret in secrets)
    counts = {len(PROVIDERS[name].secrets)} | ({0} if name == "amazon_ses" else set())
    return plain and len(secrets) in counts


def _host(name: str, parts: SplitResult) -> dict[str, str]:
    host, option = parts.hostname or "", PROVIDERS[name].host
    if host == "default":
        return {}
    if not option:
        raise ConfigurationError(f"{_PREFIX} use {_form(name)}")
    return {option: host}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 600:
        raise ConfigurationError(f"{_PREFIX} timeout is in seconds, up to 600.")
    return seconds


def _is_safe(api_url: str) -> bool:
    try:
        parts = urlsplit(api_url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _form(name: str) -> str:
    provider = PROVIDERS[name]
    secrets = ":".join(secret.upper() for secret in provider.secrets) or "ANYTHING"
    return f"{SCHEME}{name}://{secrets}@{provider.host.upper() or 'default'}"
