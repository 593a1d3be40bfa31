"""What becomes of a sign-up form: one answer of a few, the same for every address.

    read the form > is it whole? > is it from a person? > is there room? > take it down

Nothing here asks who the address belongs to, so nobody learns it: not from the words, not from the
status, not from the time. A worker settles the rest (digest.selfservice.signups).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils.translation import gettext as _

from digest.core import addresses
from digest.core.addresses import Address
from digest.core.errors import InvalidAddressError
from digest.newsletters.models import Newsletter
from digest.rendering.letters import listed
from digest.subscribers import signup_limits, signups
from digest.subscribers.errors import LimiterUnavailableError, TooManyError
from digest.web import captcha, forms
from digest.web.forms import SignUpForm


class Answer(Enum):
    """What the form's sender is told."""

    TAKEN = "taken"  # look into your mailbox
    ADDRESS = "address"  # it is none
    LOOKS_ODD = "looks-odd"  # it mixes alphabets; are you sure?
    NOTHING_CHOSEN = "nothing-chosen"
    ONCE_MORE = "once-more"  # the form was too old, too quick, or from another site
    CAPTCHA = "captcha"
    TOO_MANY = "too-many"
    CLOSED = "closed"


STATUS = {
    Answer.TAKEN: 200,
    Answer.ADDRESS: 422,
    Answer.LOOKS_ODD: 422,
    Answer.NOTHING_CHOSEN: 422,
    Answer.ONCE_MORE: 409,
    Answer.CAPTCHA: 422,
    Answer.TOO_MANY: 429,
    Answer.CLOSED: 503,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and what belongs to it."""

    answer: Answer
    detail: str = ""  # the odd label, or what is wrong with the address
    seconds: int = 0  # until there is room again


def sign_up(
    form: SignUpForm,
    newsletter: Newsletter,
    *,
    via: str,
    ip: str | None,
    language: str,
    now: datetime,
) -> Outcome:
    """Take a form down, or say what is wrong with it. Its page was about `newsletter`."""
    try:
        address = addresses.parse(form.email)
    except InvalidAddressError as problem:
        return Outcome(Answer.ADDRESS, str(problem))
    chosen = _chosen(form, newsletter)
    if not chosen:
        return Outcome(Answer.NOTHING_CHOSEN)
    if refused := _no_person(form, newsletter, address, ip, now):
        return refused
    try:
        room = signup_limits.admit(address, ip)
    except TooManyError as problem:
        return Outcome(Answer.TOO_MANY, seconds=problem.seconds)
    except LimiterUnavailableError:
        return Outcome(Answer.CLOSED)
    if room and not form.honey:
        wording = wording_of(chosen)
        signups.take(address, chosen, via=via, ip=ip, language=language, wording=wording, now=now)
    return Outcome(Answer.TAKEN)


def offered(newsletter: Newsletter) -> list[Newsletter]:
    """Return what the form of a newsletter offers: itself, then the publication's others."""
    others = newsletter.publication.newsletters.filter(active=True, listed=True)
    rest = others.exclude(pk=newsletter.pk).select_related("publication").order_by("name")
    return [newsletter, *rest]


def wording_of(newsletters: list[Newsletter]) -> str:
    """Return what a form says that one agrees to, in the present language; it is kept as it is."""
    return _(
        "I want to receive %(newsletters)s from %(publication)s by email. "
        "I can leave at any time with one click."
    ) % {
        "newsletters": listed(newsletters),
        "publication": newsletters[0].publication.name,
    }


def _chosen(form: SignUpForm, newsletter: Newsletter) -> list[Newsletter]:
    """Return the newsletters asked for; a form that names none is about its own."""
    if not form.newsletters:
        return [] if form.fields.get("choice") else [newsletter]
    return [one for one in offered(newsletter) if one.slug in form.newsletters]


def _no_person(
    form: SignUpForm, newsletter: Newsletter, address: Address, ip: str | None, now: datetime
) -> Outcome | None:
    """Say what is missing for a person to have sent this, or None."""
    if not forms.is_sound(form.token, newsletter, now):
        return Outcome(Answer.ONCE_MORE)
    if not captcha.passes(form.fields, ip, now):
        return Outcome(Answer.CAPTCHA)
    odd = addresses.mixed_scripts(address.email)
    return Outcome(Answer.LOOKS_ODD, odd) if odd and not form.sure else None
