"""What a sign-up form must be, before it is saved."""

from typing import Any

import pytest

from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import SignUpForm
from digest.newsletters.signup_forms.saving import names_of_sources, save_form
from digest.subscribers import attributes
from tests.cast import NOON, make_newsletter, make_signup_form

pytestmark = pytest.mark.django_db


def save(newsletter: Newsletter, **values: Any) -> SignUpForm:
    """Save a new form of the newsletter's publication."""
    fields: dict[str, Any] = {"name": "Below articles", "newsletters": [newsletter]}
    form = SignUpForm(publication=newsletter.publication)
    return save_form(form, now=NOON, **fields | values)


def test_texts_are_single_lines() -> None:
    """They stand in one place of a form."""
    form = save(make_newsletter(), headline=" The day,\r\nevery\u2028 morning ")
    form.refresh_from_db()
    assert form.headline == "The day, every morning"
    assert (form.kind, form.created_at, form.newsletters.count()) == ("box", NOON, 1)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"name": ""}, "Name"),
        ({"kind": "curtain"}, "Kind"),
        ({"after_seconds": 0}, "After seconds"),
        ({"after_scroll": 101}, "After scroll"),
        ({"newsletters": []}, "at least one newsletter"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], problem: str) -> None:
    """With the reason, and nothing is saved."""
    with pytest.raises(NewsletterError, match=problem):
        save(make_newsletter(), **values)
    assert not SignUpForm.objects.exists()


def test_a_form_stays_in_its_publication() -> None:
    """It offers no other's newsletters, no private ones, and asks for what subscribers may set."""
    newsletter, foreign = make_newsletter(), make_newsletter()
    private = make_newsletter(publication=newsletter.publication, state="private")
    tier = attributes.define(newsletter.publication, label="Tier", kind="text", now=NOON)
    for values, problem in (
        ({"newsletters": [foreign]}, "only"),
        ({"newsletters": [private]}, "private"),
        ({"attributes": [tier]}, "subscribers may enter"),
    ):
        with pytest.raises(NewsletterError, match=problem):
            save(newsletter, **values)


def test_two_forms_have_two_names() -> None:
    """Statistics tell them apart by it."""
    newsletter = make_newsletter()
    save(newsletter)
    with pytest.raises(NewsletterError, match="already"):
        save(newsletter)


def test_a_source_is_named_by_its_form() -> None:
    """Sources that are no forms, or whose form is gone, have no name."""
    form = make_signup_form(make_newsletter(), name="Below articles")
    sources = [form.via, "page", "form 999", "form x", "form ²", "form " + "9" * 40]
    assert names_of_sources(sources) == {form.via: "Below articles"}
