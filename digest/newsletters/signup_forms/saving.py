"""Sign-up forms: created, changed, and what they must be."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from digest.core.database.uniqueness import refuse_duplicate
from digest.core.text import one_line
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.publicity.states import NewsletterState
from digest.newsletters.signup_forms.models import (
    LONGEST_BUTTON,
    LONGEST_CONSENT,
    LONGEST_HEADLINE,
    LONGEST_NAME,
    LONGEST_TEXT,
    VIA,
    SignUpForm,
)

_LINES = {
    "name": LONGEST_NAME,
    "headline": LONGEST_HEADLINE,
    "text": LONGEST_TEXT,
    "button": LONGEST_BUTTON,
    "thanks": LONGEST_TEXT,
    "consent": LONGEST_CONSENT,
}
FIELDS = (
    *_LINES,
    *("kind", "look", "asks_name", "asks_topics", "after_seconds", "after_scroll", "rest_days"),
)
MOST_NEWSLETTERS = 30
MOST_ATTRIBUTES = 10


@transaction.atomic
def save_form(
    form: SignUpForm,
    *,
    newsletters: Collection[Newsletter] | None = None,
    attributes: Collection[Attribute] | None = None,
    now: datetime,
    keeps_not_offered: bool = False,
    **values: Any,
) -> SignUpForm:
    """Create or change a form with FIELDS; raise NewsletterError for what cannot be.

    Newsletters and attributes are of its publication; the attributes those that subscribers may
    enter when they sign up. Without them, the form keeps what it has, also what it cannot offer at
    the moment: a newsletter that is private by now, an attribute that only the publisher sets. With
    `keeps_not_offered` it keeps these beside those that are given.
    """
    private, internal = not_offered(form) if keeps_not_offered else ([], [])
    set_values(form, values)
    form.created_at = form.created_at or now
    form.changed_at = now
    if (newsletters is not None or not form.pk) and not (private and not newsletters):
        _require_newsletters(form.publication, newsletters or ())
    if attributes is not None:
        _require_attributes(form.publication, attributes)
    try:
        form.clean_fields(exclude=["publication"])
    except ValidationError as problem:
        name, messages = next(iter(problem.message_dict.items()))
        raise NewsletterError(f"{name.replace('_', ' ').capitalize()}: {messages[0]}") from problem
    with refuse_duplicate(NewsletterError(f"There is a form “{form.name}” already.")):
        form.save()
    if newsletters is not None:
        form.newsletters.set([*newsletters, *private])
    if attributes is not None:
        form.attributes.set([*attributes, *internal])
    return form


def set_values(form: SignUpForm, values: dict[str, Any]) -> None:
    """Set FIELDS of a form, texts as single lines; nothing is saved."""
    for name in values.keys() & FIELDS:
        value = values[name]
        setattr(form, name, one_line(value, _LINES[name]) if name in _LINES else value)


def settable_attributes(publication: Publication) -> Any:
    """Return the attributes that subscribers may enter when they sign up, by label."""
    return publication.attributes.filter(access=Attribute.Access.SIGN_UP)


def attributes_named(publication: Publication, keys: Collection[str]) -> list[Attribute]:
    """Return attributes by their keys; raise NewsletterError for one that a form cannot ask for."""
    rows_by_key = {row.key: row for row in settable_attributes(publication)}
    for key in keys:
        if key not in rows_by_key:
            raise NewsletterError(
                f"“{one_line(key, 60)}” is not an attribute of {publication.name} that subscribers "
                "may enter when they sign up."
            )
    return [rows_by_key[key] for key in dict.fromkeys(keys)]


def names_of_sources(sources: Iterable[str]) -> dict[str, str]:
    """Return the names of the forms among sources of sign-ups, by source."""
    ids = [int(source.removeprefix(VIA)) for source in sources if _is_form(source)]
    return {form.via: form.name for form in SignUpForm.objects.filter(pk__in=ids)}


def _is_form(source: str) -> bool:
    number = source.removeprefix(VIA)
    return source.startswith(VIA) and number.isascii() and number.isdigit() and len(number) < 19


def not_offered(form: SignUpForm) -> tuple[list[Newsletter], list[Attribute]]:
    """Return the newsletters and attributes of a form that it cannot offer at the moment."""
    if not form.pk:
        return [], []
    private = form.newsletters.filter(state=NewsletterState.PRIVATE)
    return list(private), list(form.attributes.exclude(access=Attribute.Access.SIGN_UP))


def _require_newsletters(publication: Publication, newsletters: Collection[Newsletter]) -> None:
    if not newsletters:
        raise NewsletterError("Choose at least one newsletter.")
    if len(newsletters) > MOST_NEWSLETTERS:
        raise NewsletterError(f"A form offers {MOST_NEWSLETTERS} newsletters at most.")
    if any(row.publication_id != publication.pk for row in newsletters):
        raise NewsletterError(f"Choose newsletters of {publication.name} only.")
    if any(row.state == "private" for row in newsletters):
        raise NewsletterError("A private newsletter takes no sign-ups. Make it public first.")


def _require_attributes(publication: Publication, attributes: Collection[Attribute]) -> None:
    if len(attributes) > MOST_ATTRIBUTES:
        raise NewsletterError(f"A form asks for {MOST_ATTRIBUTES} attributes at most.")
    if any(row.publication_id != publication.pk for row in attributes):
        raise NewsletterError(f"Choose attributes of {publication.name} only.")
    if not all(row.access == Attribute.Access.SIGN_UP for row in attributes):
        raise NewsletterError("Choose attributes that subscribers may enter when they sign up.")
