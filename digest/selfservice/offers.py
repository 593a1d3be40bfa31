"""What a sign-up form offers: that of a newsletter, of the catalogue, or one that was designed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.signup_forms.models import SignUpForm
from digest.selfservice.signups import (
    consent_wording,
    offered_newsletters,
    preferences_wording,
    tracking_wording,
)
from digest.subscribers.own_values import offered_at_sign_up
from digest.subscribers.preferences import topics_of

Subject = Newsletter | Publication | SignUpForm


@dataclass(frozen=True, slots=True)
class Offer:
    """The newsletters of a form, and what it asks beside the address."""

    subject: Subject  # whose form it is
    newsletters: Sequence[Newsletter]  # that may be chosen
    default: Sequence[Newsletter] = ()  # without a choice
    consent: str = ""  # in the publisher's words; empty: ours
    asks_name: bool = False
    attributes: Sequence[Attribute] = ()
    topics: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by newsletter id

    def wording(self, newsletters: Sequence[Newsletter], *, is_choice: bool = False) -> str:
        """Return what a subscriber to these newsletters agrees to, in the active language.

        `is_choice` says that the form lets its sender choose among several: nobody has read the
        names of those that they are about to choose.
        """
        is_choice = is_choice or not self.default
        if not self.consent and len(self.newsletters) > 1 and is_choice:
            return preferences_wording(newsletters[0].publication)
        if not self.consent:
            return consent_wording(newsletters)
        tracking = tracking_wording(newsletters[0].publication)
        return " ".join(filter(None, (self.consent, tracking)))


def offer_of_newsletter(newsletter: Newsletter) -> Offer:
    """Return the offer of a newsletter's own form: itself, or others of its publication."""
    return Offer(
        newsletter,
        offered_newsletters(newsletter),
        [newsletter],
        attributes=offered_at_sign_up(newsletter.publication_id),
    )


def offer_of_publication(publication: Publication) -> Offer:
    """Return the offer of a publication's catalogue, where nothing is chosen beforehand."""
    newsletters = publication.newsletters.open_to_all().select_related("publication")
    return Offer(publication, list(newsletters.order_by("name", "pk")))


def offer_of_form(form: SignUpForm) -> Offer:
    """Return the offer of a designed form, as far as its newsletters take sign-ups now."""
    newsletters = form.newsletters.open_to_all().select_related("publication")
    offered = list(newsletters.order_by("name", "pk"))
    topics = topics_of(form.publication) if form.asks_topics else {}
    return Offer(
        subject=form,
        newsletters=offered,
        default=offered if len(offered) == 1 else (),
        consent=form.consent,
        asks_name=form.asks_name,
        attributes=list(form.attributes.filter(access=Attribute.Access.SIGN_UP)),
        topics={row.pk: topics[row.pk] for row in offered if row.pk in topics},
    )
