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
from digest.selfservice.offers import Offer
from digest.selfservice.signups import request_signup
from digest.subscribers import own_values
from digest.subscribers.errors import LimiterUnavailableError, SubscriberError, TooManyError
from digest.subscribers.evidence.answers import Answers, read_answers
from digest.web import captcha, forms
from digest.web.forms import SubmittedForm


class Answer(Enum):
    """The answer to the sender of a form."""

    ACCEPTED = "accepted"  # check your inbox
    INVALID_ADDRESS = "invalid-address"
    ODD_ADDRESS = "odd-address"  # it mixes alphabets; are you sure?
    NOTHING_CHOSEN = "nothing-chosen"
    INVALID_VALUE = "invalid-value"  # of an attribute
    RETRY = "retry"  # the form was too old, too quick, or from another site
    CAPTCHA = "captcha"
    TOO_MANY = "too-many"
    CLOSED = "closed"


STATUS = {
    Answer.ACCEPTED: 200,
    Answer.INVALID_ADDRESS: 422,
    Answer.ODD_ADDRESS: 422,
    Answer.NOTHING_CHOSEN: 422,
    Answer.INVALID_VALUE: 422,
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
    form: SubmittedForm,
    offer: Offer,
    *,
    via: str,
    ip: str | None,
    language: str,
    now: datetime,
    reads: str = "",
) -> Outcome:
    """Store the sign-up of a form, or return what is wrong. Its page made this offer.

    `reads` is the key of a past issue that is asked for instead (`selfservice.reading`).
    """
    newsletters = _chosen_newsletters(form, offer)
    try:
        address = addresses.parse(form.email)
        values = own_values.read(offer.attributes, form.fields)
        if not newsletters:
            return Outcome(Answer.NOTHING_CHOSEN)
        if refusal := _refusal(form, offer, address, ip, now):
            return refusal
        request_signup(
            address,
            newsletters,
            via=via,
            ip=ip,
            language=language,
            wording=offer.wording(newsletters, is_choice=bool(form.fields.get("choice"))),
            origin=form.origin,
            values=values,
            answers=_read_answers(form, offer),
            now=now,
            store=not form.honeypot,
            reads=reads,
        )
    except TooManyError as problem:
        return Outcome(Answer.TOO_MANY, seconds=problem.seconds)
    except LimiterUnavailableError:
        return Outcome(Answer.CLOSED)
    except (InvalidAddressError, SubscriberError) as problem:
        is_address = isinstance(problem, InvalidAddressError)
        return Outcome(Answer.INVALID_ADDRESS if is_address else Answer.INVALID_VALUE, str(problem))
    return Outcome(Answer.ACCEPTED)


def _chosen_newsletters(form: SubmittedForm, offer: Offer) -> list[Newsletter]:
    """Return the chosen newsletters; a form without a choice is for its default."""
    if not form.newsletters:
        return [] if form.fields.get("choice") else list(offer.default)
    return [candidate for candidate in offer.newsletters if candidate.slug in form.newsletters]


def _read_answers(form: SubmittedForm, offer: Offer) -> Answers:
    return read_answers(
        form.fields,
        topics=offer.topics,
        chosen=form.topics,
        asks_name=offer.asks_name,
    )


def _refusal(
    form: SubmittedForm, offer: Offer, address: Address, ip: str | None, now: datetime
) -> Outcome | None:
    """Return why a form does not look as if a person had sent it, or None."""
    if not forms.is_valid_token(form.token, offer.subject, now):
        return Outcome(Answer.RETRY)
    odd_label = addresses.mixed_scripts(address.email)
    if odd_label and not form.sure:  # before the captcha, whose solution counts once
        return Outcome(Answer.ODD_ADDRESS, odd_label)
    return None if captcha.passes(form.fields, ip, now) else Outcome(Answer.CAPTCHA)
