"""The cards of a publication's page: each has a form and is saved on its own."""

from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import Http404

from digest.console.pages import problems_on
from digest.console.publications import forms
from digest.newsletters import setup
from digest.newsletters.models import Publication


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page; the names of its fields are those of Publication."""

    title: str
    form: type[Form]


CARDS = {
    "name": Card("Name and address", forms.NameForm),
    "looks": Card("Design", forms.LooksForm),
    "pictures": Card("Pictures", forms.PicturesForm),
    "tracking": Card("Clicks and opens", forms.TrackingForm),
    "popularity": Card("Popular articles", forms.PopularityForm),
    "sender": Card("Sender", forms.SenderForm),
    "place": Card("Language and time zone", forms.PlaceForm),
}


def form_of(slug: str, publication: Publication, data: Any = None) -> Form:
    """Return a card's form, filled in with the saved values, or with `data` as submitted.

    Raises Http404 for a card that does not exist.
    """
    if (card := CARDS.get(slug)) is None:
        raise Http404
    form = card.form
    initial = {name: getattr(publication, name, None) for name in form.base_fields}
    return form(data, initial=initial)


def save(publication: Publication, form: Form) -> bool:
    """Save a card, or add the errors to its form. Return whether it was saved."""
    if not form.is_valid():
        return False
    with problems_on(form):
        setup.change_publication(publication, **form.cleaned_data)
        return True
    return False
