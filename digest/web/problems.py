"""What public pages say about a request that cannot be fulfilled, in the active language."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.core.errors import DigestError
from digest.subscribers.errors import (
    AddressSuppressedError,
    LimiterUnavailableError,
    TooManyError,
)


def describe(problem: DigestError) -> str:
    """Return a problem as a sentence; those that are not listed here are translated already."""
    if isinstance(problem, TooManyError):
        return too_many(problem.seconds)
    if isinstance(problem, LimiterUnavailableError):
        return unavailable()
    if isinstance(problem, AddressSuppressedError):
        return suppressed()
    return str(problem)


def too_many(seconds: int) -> str:
    """Say that a limit is reached, of a network or of a domain, and when to try again."""
    minutes = -(-seconds // 60)
    return ngettext(
        "There were too many requests. Try again in %(minutes)d minute.",
        "There were too many requests. Try again in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}


def unavailable() -> str:
    """Say that requests cannot be counted now, so none is accepted."""
    return _("This is temporarily unavailable. Try again in a few minutes.")


def suppressed() -> str:
    """Say that no mail can be sent to the address of whoever opened their own link."""
    return _(
        "We cannot send email to your address: it is blocked, for example because emails were "
        "returned. Contact us to receive our emails again."
    )
