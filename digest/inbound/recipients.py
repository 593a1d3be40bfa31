"""Addresses of ours that mail is written to, and what each asks for.

subscribe+SLUG@domain     start the double opt-in for whoever writes
confirm+TOKEN@domain      say that one wants it, where no page can be opened
unsubscribe+TOKEN@domain  leave; the token alone is the right (a mailto: in List-Unsubscribe)
help@domain               say which addresses there are

At DIGEST_BOUNCE_DOMAIN, which may be the same:

bounce+TOKEN@domain       the envelope sender of each mail: take what comes back (digest.bounces)
bounces@, complaints@     the same, where the message itself has to say whose it is
dmarc@domain              reports of receivers about our mail (digest.reputation.dmarc)
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from digest.bounces import tracing
from digest.core import addresses, clock
from digest.core.errors import DigestError, LinkError, LinkGoneError
from digest.core.links import SubscriberLink
from digest.inbound.errors import InboundError
from digest.newsletters.models import Newsletter, Publication
from digest.selfservice import confirmation, unsubscribing
from digest.selfservice.confirmation import ConfirmationLink


@dataclass(frozen=True, slots=True)
class Subscribing:
    """Somebody wants a newsletter."""

    newsletter: Newsletter
    address: str  # of ours, as evidence of what was written to


@dataclass(frozen=True, slots=True)
class Confirming:
    """Somebody says that they want what was asked for in their name."""

    link: ConfirmationLink


@dataclass(frozen=True, slots=True)
class Leaving:
    """Whoever the link names wants to leave."""

    link: SubscriberLink


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody wants to know what can be done."""

    publication: Publication


@dataclass(frozen=True, slots=True)
class Returning:
    """A mail came back, or somebody complained about one."""

    token: str  # of the address that it comes to; "": none


@dataclass(frozen=True, slots=True)
class Reporting:
    """A receiver reports, by DMARC, who sends in our name."""


Request = Subscribing | Confirming | Leaving | Asking | Returning | Reporting


def understood(address: str) -> Request:
    """Return what mail to one of our addresses asks for; raise InboundError for none of ours."""
    local, _, domain = address.strip("<>").rpartition("@")
    commands = {
        **(_COMMANDS if is_ours(domain) else {}),
        **(_RETURNS if takes_bounces(domain) else {}),
    }
    if not commands:
        raise InboundError("No mail is taken for this domain here.")
    command, _, detail = local.partition("+")
    read = commands.get(command.lower())
    if read is None:
        raise InboundError("There is no such address; write to help@ to learn which there are.")
    return read(detail, address)


def is_ours(domain: str) -> bool:
    """Say whether this is the domain that mail comes in to, in whichever spelling."""
    own_domain = settings.DIGEST_INBOUND_DOMAIN
    return bool(own_domain) and _spelled(domain) == _spelled(own_domain)


def takes_bounces(domain: str) -> bool:
    """Say whether this is the domain that mail returns to, in whichever spelling."""
    own_domain = settings.DIGEST_BOUNCE_DOMAIN
    return bool(own_domain) and _spelled(domain) == _spelled(own_domain)


def is_return(address: str) -> bool:
    """Say whether an address of ours is one that mail returns to."""
    local, _, domain = address.strip("<>").rpartition("@")
    return takes_bounces(domain) and local.partition("+")[0].lower() in _RETURNS


def _spelled(domain: str) -> str:
    """Return a domain in A-labels and lower case, where that can be."""
    try:
        return addresses.envelope(f"x@{domain}").rpartition("@")[2].lower().rstrip(".")
    except DigestError:
        return domain.lower().rstrip(".")


def _subscribing(detail: str, address: str) -> Subscribing:
    offered = Newsletter.objects.open_to_all().filter(slug=detail.lower())
    newsletter = offered.select_related("publication").first()
    if newsletter is None:
        raise InboundError("There is no such newsletter; write to help@ to learn which there are.")
    return Subscribing(newsletter, address)


def _confirming(detail: str, _address: str) -> Confirming:
    try:
        link = confirmation.open_link(detail, clock.now())
    except LinkError as cause:
        raise InboundError("This address is damaged, or too old; subscribe once more.") from cause
    if link.expired:
        raise InboundError("This address is damaged, or too old; subscribe once more.")
    return Confirming(link)


def _leaving(detail: str, _address: str) -> Leaving:
    try:
        return Leaving(unsubscribing.open_link(detail))
    except LinkGoneError as cause:
        raise InboundError("This address belongs to nobody any more; use a newer mail.") from cause
    except LinkError as cause:
        raise InboundError("This address is damaged; use the link in the mail instead.") from cause


def _asking(detail: str, address: str) -> Asking:
    if detail:
        return Asking(_subscribing(detail, address).newsletter.publication)
    domain = address.rpartition("@")[2].lower()
    publications = list(Publication.objects.order_by("pk"))
    if not publications:
        raise InboundError("There is nothing to ask about here yet.")
    own = [
        publication for publication in publications if publication.sender_domain.lower() == domain
    ]
    return Asking((own or publications)[0])


_COMMANDS: dict[str, Callable[[str, str], Request]] = {
    "subscribe": _subscribing,
    "confirm": _confirming,
    "unsubscribe": _leaving,
    "help": _asking,
}


def _returning(detail: str, _address: str) -> Returning:
    """Take a token of ours; nobody else has a reason to write to such an address."""
    if not tracing.check_token(detail):
        raise InboundError("This address is damaged, or was not made by us.")
    return Returning(detail)


def _returning_anyhow(_detail: str, _address: str) -> Returning:
    return Returning("")


def _reporting(_detail: str, _address: str) -> Reporting:
    return Reporting()


_RETURNS: dict[str, Callable[[str, str], Request]] = {
    "bounce": _returning,
    "bounces": _returning_anyhow,
    "complaints": _returning_anyhow,
    "dmarc": _reporting,
}
