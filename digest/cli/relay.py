"""Do the relays take our mail? For `digest doctor`: let in as when sending, then goodbye."""

from collections.abc import Iterator
from datetime import datetime

from digest.cli.checks import LOOPBACK, Finding, fail, ok, warn
from digest.core import clock
from digest.core.errors import ConfigurationError
from digest.delivery.errors import RelayDownError
from digest.delivery.models import PausedDomain, Relay
from digest.delivery.relays import roster, routes
from digest.delivery.transports import smtp
from digest.newsletters.models import Publication


def relay(now: datetime) -> Iterator[Finding]:
    """Every relay lets us in, over TLS beyond this machine; no mail is handed over."""
    yield from _troubles(now)
    try:
        relays = roster.in_use()
    except ConfigurationError as problem:
        yield fail(str(problem), "Or add one: digest relay add NAME smtp://user:password@host:587")
        return
    for one in relays:
        yield from look_at(one)
    senders = {routes.sender_domain(each.sender_email) for each in Publication.objects.all()}
    for domain, advice in routes.stranded(senders, relays).items():
        yield fail(f"Nothing can be sent from {domain}.", advice)


def look_at(one: Relay) -> Iterator[Finding]:
    """Knock at one relay."""
    mend = _mend(one)
    try:
        url = roster.url_of(one)
        if url.startswith("anymail+"):
            yield _provider(url, mend)
            return
        address = smtp.parse_address(url)
        with smtp.SmtpTransport(address) as transport:
            transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        yield fail(f"The relay {one.name} cannot be used: {problem}", f"Start it, or {mend}")
        return
    yield ok(f"The relay {one.name}, {address.host}:{address.port}, lets us in.")
    yield from _secrecy(address, mend)


def _mend(one: Relay) -> str:
    if one.name == roster.DEFAULT:
        return "mend DIGEST_SMTP_URL."
    return f"mend its address: digest relay set {one.name} --url smtp://…"


def _provider(url: str, mend: str) -> Finding:
    """A provider's API answers; no question about keys is answered by all of them."""
    from digest.delivery.transports import esp

    try:
        with esp.EspTransport(esp.parse_address(url)) as transport:
            words = transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        return fail(f"The provider cannot be used: {problem}", f"Wait, or {mend}")
    return ok(f"The provider is there: {words}. Whether it takes the key, a test mail tells.")


def _troubles(now: datetime) -> Iterator[Finding]:
    for one in Relay.objects.filter(down_since__isnull=False):
        since = clock.spoken(one.down_since or clock.now())
        yield warn(
            f"Workers have not been able to use the relay {one.name} since {since}: {one.problem}",
            "They try again by themselves; nothing is lost.",
        )
    for each in PausedDomain.objects.filter(until__gt=now).select_related("relay"):
        yield warn(
            f"{each.domain} refuses mail from {each.relay.name}: {each.why}",
            f"It is left alone until {clock.spoken(each.until)}. "
            f"To try at once: digest relay resume {each.relay.name} {each.domain}",
        )


def _secrecy(address: smtp.RelayAddress, mend: str) -> Iterator[Finding]:
    safe = address.tls or address.starttls is smtp.StartTls.REQUIRED
    if not safe and address.host not in LOOPBACK:
        yield warn(
            f"Mail may travel to {address.host} in the clear.",
            f"Use smtps://, or leave ?starttls= out: {mend}",
        )
