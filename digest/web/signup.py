"""The answer to a sign-up form: one of a few, the same for every address.

    valid address? > newsletters chosen? > sent by a person? > within the limits? > store it

Nothing here looks up who an address belongs to, so neither text, status nor timing of an
answer reveals it. A worker settles the rest (digest.selfservice.signups).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from digest.core import addresses
from digest.core.addresses import Address
from digest.core.errors import InvalidAddressError
from digest.newsletters.models import Newsletter
from digest.selfservice.signups import offered_newsletters, request_signup
from digest.subscribers.errors import LimiterUnavailableError, TooManyError
from digest.web import captcha, forms
from digest.web.forms import SignUpForm


class Answer(Enum):
    """The answer to the sender of a form."""

    ACCEPTED = "accepted"  # check your inbox
    INVALID_ADDRESS = "invalid-address"
    ODD_ADDRESS = "odd-address"  # it mixes alphabets; are you sure?
    NOTHING_CHOSEN = "nothing-chosen"
    RETRY = "retry"  # the form was too old, too quick, or from another site
    CAPTCHA = "captcha"
    TOO_MANY = "too-many"
    CLOSED = "closed"


STATUS = {
    Answer.ACCEPTED: 200,
    Answer.INVALID_ADDRESS: 422,
    Answer.ODD_ADDRESS: 422,
    Answer.NOTHING_CHOSEN: 422,
    Answer.RETRY: 409,
    Answer.CAPTCHA: 422,
    Answer.TOO_MANY: 429,
    Answer.CLOSED: 503,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and its details."""

    answer: Answer
    detail: str = ""  # the label of an odd address, or what is wrong with an invalid one
    seconds: int = 0  # until the limits allow another sign-up


def submit(
    form: SignUpForm,
    newsletter: Newsletter,
    *,
    via: str,
    ip: str | None,
    language: str,
    now: datetime,
) -> Outcome:
    """Store the sign-up of a form, or return what is wrong. Its page was about `newsletter`."""
    try:
        address = addresses.parse(form.email)
    except InvalidAddressError as problem:
        return Outcome(Answer.INVALID_ADDRESS, str(problem))
    newsletters = _chosen_newsletters(form, newsletter)
    if not newsletters:
        return Outcome(Answer.NOTHING_CHOSEN)
    try:
        if refusal := _refusal(form, newsletter, address, ip, now):
            return refusal
        request_signup(
            address,
            newsletters,
            via=via,
            ip=ip,
            language=language,
            now=now,
            store=not form.honeypot,
        )
    except TooManyError as problem:
        return Outcome(Answer.TOO_MANY, seconds=problem.seconds)
    except LimiterUnavailableError:
        return Outcome(Answer.CLOSED)
    return Outcome(Answer.ACCEPTED)


def _chosen_newsletters(form: SignUpForm, newsletter: Newsletter) -> list[Newsletter]:
    """Return the chosen newsletters; a form without a choice is for its own newsletter."""
    if not form.newsletters:
        return [] if form.fields.get("choice") else [newsletter]
    offered = offered_newsletters(newsletter)
    return [candidate for candidate in offered if candidate.slug in form.newsletters]


def _refusal(
    form: SignUpForm, newsletter: Newsletter, address: Address, ip: str | None, now: datetime
) -> Outcome | None:
    """Return why a form does not look as if a person had sent it, or None."""
    if not forms.is_valid_token(form.token, newsletter, now):
        return Outcome(Answer.RETRY)
    if not captcha.passes(form.fields, ip, now):
        return Outcome(Answer.CAPTCHA)
    odd_label = addresses.mixed_scripts(address.email)
    return Outcome(Answer.ODD_ADDRESS, odd_label) if odd_label and not form.sure else None
