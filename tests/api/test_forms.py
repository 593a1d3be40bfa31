"""Sign-up forms by API: created with their snippet, changed, deleted."""

import pytest
from django.test import Client

from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import SignUpForm
from digest.subscribers import attributes
from tests.api.conftest import Caller
from tests.cast import NOON, make_newsletter, make_signup_form

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]


def test_a_form_is_created_embedded_changed_and_deleted(
    caller: Caller, client: Client, tide: Newsletter
) -> None:
    """Its snippet draws it until then."""
    attributes.define(tide.publication, label="City", kind="text", access="sign-up", now=NOON)
    body = {
        "publication": "courier",
        "name": "Below articles",
        "newsletters": ["tide"],
        "attributes": ["city"],
        "kind": "popup",
        "headline": "Every morning",
        "asks_name": True,
    }
    form = caller.json("POST", "/forms", body, key="k")
    assert caller.json("POST", "/forms", body, key="k") == form
    row = SignUpForm.objects.get()
    script = f"https://digest.example/forms/{row.uuid}.js"
    assert form["snippet"] == f'<script async src="{script}"></script>'
    assert "Every morning" in client.get(f"/forms/{row.uuid}.js").content.decode()
    path = f"/forms/{form['id']}"
    changed = caller.json("PATCH", path, {"headline": "Every evening", "rest_days": 7})
    assert changed == form | {
        "headline": "Every evening",
        "rest_days": 7,
        "changed_at": changed["changed_at"],
    }
    assert changed["attributes"] == ["city"]
    assert caller.json("PATCH", path, {"attributes": []})["attributes"] == []
    assert caller.json("GET", "/forms", publication="courier")["items"][0]["id"] == form["id"]
    assert caller("DELETE", path).status_code == 204
    assert client.get(f"/forms/{row.uuid}.js").status_code == 404


def test_what_it_cannot_offer_at_the_moment_stays_in_a_form(
    caller: Caller, tide: Newsletter
) -> None:
    """An attribute that only the publisher sets by now, a newsletter that is private by now."""
    city = attributes.define(
        tide.publication, label="City", kind="text", access="sign-up", now=NOON
    )
    body = {
        "publication": "courier",
        "name": "Footer",
        "newsletters": ["tide"],
        "attributes": ["city"],
    }
    path = f"/forms/{caller.json('POST', '/forms', body)['id']}"
    attributes.change(city, access="see")
    Newsletter.objects.update(state="private")
    changed = caller.json("PATCH", path, {"headline": "Every evening"})
    assert changed["headline"] == "Every evening"
    assert (changed["newsletters"], changed["attributes"]) == (["tide"], ["city"])
    for fields in ({"newsletters": ["tide"]}, {"attributes": ["city"]}):
        assert caller("PATCH", path, fields).status_code == 422


def test_what_cannot_be_is_refused(caller: Caller, tide: Newsletter) -> None:
    """Newsletters of others or private ones, attributes that are not asked for, numbers."""
    make_newsletter(slug="flood")
    make_newsletter(slug="hidden", publication=tide.publication, state="private")
    attributes.define(tide.publication, label="City", kind="text", now=NOON)
    body = {"publication": "courier", "name": "Footer", "newsletters": ["tide"]}
    for fields, status in (
        ({"newsletters": ["flood"]}, 422),
        ({"newsletters": ["hidden"]}, 422),
        ({"newsletters": ["nowhere"]}, 404),
        ({"newsletters": []}, 422),
        ({"attributes": ["city"]}, 422),
        ({"attributes": ["nothing"]}, 422),
        ({"after_scroll": 5}, 422),
        ({"kind": "banner"}, 422),
        ({"name": ""}, 422),
        ({"colour": "red"}, 422),
    ):
        assert caller("POST", "/forms", body | fields).status_code == status, fields
    assert not SignUpForm.objects.exists()
    make_signup_form(tide, name="Footer")
    assert caller("POST", "/forms", body).status_code == 422  # the name is in use
