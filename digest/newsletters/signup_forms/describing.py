"""A designed sign-up form as commands and the API show it."""

from typing import Any

from digest.newsletters.signup_forms import embedding
from digest.newsletters.signup_forms.models import SignUpForm
from digest.newsletters.signup_forms.saving import FIELDS


def describe(form: SignUpForm) -> dict[str, Any]:
    """Return the values of a form, what it offers and asks for by name, and how it is embedded."""
    return {
        "id": form.pk,
        "publication": form.publication.slug,
        **{name: getattr(form, name) for name in FIELDS},
        "newsletters": [newsletter.slug for newsletter in form.newsletters.all()],
        "attributes": [attribute.key for attribute in form.attributes.all()],
        "source": form.via,
        "snippet": embedding.snippet(form),
        "page_url": embedding.page_url(form),
    }
