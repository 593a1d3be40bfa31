"""The cards of a publication's page: each has a form, and is kept by itself."""

from dataclasses import dataclass
from typing import Any

from django.forms import Form

from digest.console.publications import forms
from digest.core.errors import DigestError
from digest.newsletters import setup
from digest.newsletters.models import Publication


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page; the names of its fields are those of Publication."""

    title: str
    form: type[Form]


CARDS = {
    "name": Card("What subscribers know it by", forms.NameForm),
    "looks": Card("How its mail looks", forms.LooksForm),
    "sender": Card("Who its mail comes from", forms.SenderForm),
    "place": Card("Language and time zone", forms.PlaceForm),
}


def form_of(slug: str, publication: Publication, data: Any = None) -> Form:
    """Return a card's form, filled in with what is there, or with what was typed."""
    form = CARDS[slug].form
    there = {name: getattr(publication, name) for name in form.base_fields}
    return form(data, initial=there)


def keep(publication: Publication, form: Form) -> bool:
    """Keep what was typed, if it can be; otherwise say in the form why not."""
    if not form.is_valid():
        return False
    try:
        setup.change_publication(publication, **form.cleaned_data)
    except DigestError as problem:
        form.add_error(None, str(problem))
        return False
    return True
