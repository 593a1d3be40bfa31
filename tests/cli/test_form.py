"""`digest form …`: sign-up forms and their snippets."""

import pytest

from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import SignUpForm
from digest.subscribers import attributes
from tests.cast import NOON
from tests.cli.conftest import Digest

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]
OF = ("--publication", "courier")


def test_a_form_is_added_changed_listed_and_deleted(digest: Digest, tide: Newsletter) -> None:
    """With the line for the site, whatever is changed."""
    attributes.define(tide.publication, label="City", kind="text", access="sign-up", now=NOON)
    assert "digest form add" in digest("form", "list").out
    added = digest(
        *("form", "add", "Footer", *OF, "--newsletter", "tide", "--kind", "bar"),
        *("--headline", "Every morning", "--ask-name", "--attribute", "city"),
    )
    form = SignUpForm.objects.get()
    script = f'<script async src="https://digest.example/forms/{form.uuid}.js"></script>'
    assert script in added.out.splitlines()
    assert (form.kind, form.asks_name, form.headline) == ("bar", True, "Every morning")
    changed = digest(
        "form", "set", form.pk, "--headline", "", "--rest-days", 7, "--no-name", "--json"
    ).json
    assert (changed["headline"], changed["rest_days"], changed["asks_name"]) == ("", 7, False)
    assert (changed["newsletters"], changed["attributes"]) == (["tide"], ["city"])
    assert digest("form", "set", form.pk, "--attribute", "", "--json").json["attributes"] == []
    assert "Footer" in digest("form", "list", *OF).out
    assert script in digest("form", "show", form.pk).out
    assert "was deleted" in digest("form", "delete", form.pk).out
    assert not SignUpForm.objects.exists()


def test_what_cannot_be_is_said(digest: Digest, tide: Newsletter) -> None:
    """And nothing is saved."""
    add = ("form", "add", "Footer", *OF)
    assert "at least one newsletter" in digest(*add).err
    assert "There are: tide" in digest(*add, "--newsletter", "flood").err
    assert "may enter" in digest(*add, "--newsletter", "tide", "--attribute", "city").err
    assert "After scroll" in digest(*add, "--newsletter", "tide", "--after-scroll", 5).err
    assert "digest form list" in digest("form", "show", 7).err
    assert not SignUpForm.objects.exists()
    digest(*add, "--newsletter", "tide")
    form = SignUpForm.objects.get()
    assert "Say what to change" in digest("form", "set", form.pk).err
    assert "Footer" in digest(*add, "--newsletter", "tide").err
