"""Sign-up forms in the console: designed with a preview, embedded, and seen in the numbers."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from digest.accounts.models import User
from digest.core.addresses import parse
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import SignUpForm
from digest.selfservice import signups
from digest.subscribers import attributes, consent
from digest.subscribers.evidence.origins import Origin
from digest.subscribers.models import Subscriber
from tests.browser import chromium_page, in_browser, sign_in
from tests.cast import NOON, make_layout_block, make_newsletter, make_signup_form
from tests.console.houses import PASSWORD

pytestmark = pytest.mark.django_db


def values(newsletter: Newsletter, **fields: Any) -> dict[str, Any]:
    """What the page of a new form sends."""
    defaults = {
        "name": "Below articles",
        "kind": "popup",
        "look": "filled",
        "newsletters": [newsletter.pk],
        "after_seconds": "20",
        "after_scroll": "50",
        "rest_days": "30",
    }
    return defaults | fields


def test_a_form_is_designed_and_embedded(ada_client: Client, tide: Newsletter) -> None:
    """The page has the line for the site, the plain form, and the version of the consent."""
    address = f"/admin/publication/{tide.publication_id}/forms/new/"
    fields = values(tide, headline="Every morning", consent="I want it.")
    page = ada_client.post(address, fields, follow=True).content.decode()
    form = SignUpForm.objects.get()
    assert f"https://digest.example/forms/{form.uuid}.js" in page
    assert f"action=&quot;https://digest.example/forms/{form.uuid}&quot;" in page or (
        f'action="https://digest.example/forms/{form.uuid}"' in page
    )
    assert "Version <code>" in page
    address = f"/admin/forms/{form.pk}/"
    ada_client.post(address, values(tide, headline="Every evening"))
    form.refresh_from_db()
    assert (form.headline, form.consent) == ("Every evening", "")
    assert "Below articles" in ada_client.get("/admin/forms/").content.decode()
    ada_client.post(f"{address}delete/")
    assert not SignUpForm.objects.exists()


def test_what_cannot_be_offered_at_the_moment_stays(ada_client: Client, tide: Newsletter) -> None:
    """Another headline loses neither a newsletter that is private nor an attribute of the team."""
    city = attributes.define(
        tide.publication, label="City", kind="text", access="sign-up", now=NOON
    )
    form = make_signup_form(tide)
    form.attributes.set([city])
    Newsletter.objects.update(state="private")
    make_newsletter(publication=tide.publication)
    Attribute.objects.update(access="none")
    address = f"/admin/forms/{form.pk}/"
    assert f"not offered at the moment: {tide.name}" in ada_client.get(address).content.decode()
    fields = values(tide, newsletters=[], headline="Every evening")
    assert ada_client.post(address, fields).status_code == 302
    form.refresh_from_db()
    assert form.headline == "Every evening"
    assert (list(form.newsletters.all()), list(form.attributes.all())) == ([tide], [city])
    created = f"/admin/publication/{tide.publication_id}/forms/new/"
    assert ada_client.post(created, values(tide, name="Another")).status_code == 422


def test_what_is_wrong_is_shown_beside_its_field(ada_client: Client, tide: Newsletter) -> None:
    """And nothing is saved."""
    address = f"/admin/publication/{tide.publication_id}/forms/new/"
    answer = ada_client.post(address, values(tide, newsletters=[], after_scroll="0"))
    assert answer.status_code == 422
    assert "Choose at least one newsletter." in answer.content.decode()
    make_signup_form(tide, name="Below articles")
    answer = ada_client.post(address, values(tide))
    assert "There is a form “Below articles” already." in answer.content.decode()
    assert SignUpForm.objects.count() == 1


def test_an_attribute_is_offered_once_subscribers_may_enter_it(
    ada_client: Client, tide: Newsletter
) -> None:
    """The others are what the publisher knows."""
    attributes.define(tide.publication, label="Tier", kind="text", now=NOON)
    city = attributes.define(tide.publication, label="City", kind="text", now=NOON)
    ada_client.post(f"/admin/attributes/{city.pk}/", {"label": "City", "access": "sign-up"})
    page = ada_client.get(f"/admin/publication/{tide.publication_id}/forms/new/").content.decode()
    assert "City" in page
    assert "Tier" not in page


def test_the_preview_draws_whatever_is_there(ada_client: Client, tide: Newsletter) -> None:
    """Nothing is saved, and no text ends the script that holds it."""
    make_layout_block(tide, kind="topic", title="Harbour", topics=["harbour"])
    address = f"/admin/publication/{tide.publication_id}/forms/preview/"
    fields = values(tide, name="", headline="</script><b>Hi", asks_topics="on")
    answer = ada_client.post(address, fields)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "</script><b>" not in page
    assert "Harbour" in page
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert not SignUpForm.objects.exists()
    assert ada_client.post(address, {}).status_code == 200


def test_where_somebody_signed_up_is_shown(ada_client: Client, tide: Newsletter) -> None:
    """On their page, in the filter of the list, in the growth, and by page and campaign."""
    form = make_signup_form(tide, name="Below articles")
    origin = Origin("https://courier.example/seals", "utm_source=bluesky")
    address = parse("nadia@reader.example")
    signups.invite(address, [tide], via=form.via, origin=origin, now=NOON)
    subscriber = Subscriber.objects.get()
    consent.confirm(subscriber.pk, tide.pk, via="confirmation", ip=None, now=NOON)
    page = ada_client.get(f"/admin/subscribers/{subscriber.pk}/").content.decode()
    assert "form “Below articles” · https://courier.example/seals · utm_source=bluesky" in page
    listed = ada_client.get("/admin/subscribers/", {"source": form.via}).content.decode()
    assert f'<option value="{form.via}" selected>Below articles</option>' in listed
    assert "nadia@reader.example" in listed
    numbers = ada_client.get(f"/admin/statistics/newsletter/{tide.pk}/").content.decode()
    assert "Below articles" in numbers
    assert "https://courier.example/seals" in numbers


@in_browser
@pytest.mark.django_db(transaction=True)
def test_an_editor_sees_the_form_while_designing_it(
    live_url: str, ada: User, tide: Newsletter
) -> None:
    """A pop-up at once, its headline as it is typed, on a phone and in the dark."""
    with chromium_page(viewport={"width": 1280, "height": 900}) as page:
        address = f"{live_url}/admin/publication/{tide.publication_id}/forms/new/"
        sign_in(page, address, ada.email, PASSWORD)
        page.get_by_label("Name for the team").fill("Below articles")
        page.get_by_label("Headline optional", exact=True).fill("Every morning at seven")
        drawn = page.locator("iframe:visible").content_frame
        expect(drawn.get_by_role("heading", name="Every morning at seven")).to_be_visible()
        page.get_by_label("Pop-up").check()
        expect(drawn.get_by_role("dialog")).to_be_visible()
        page.get_by_role("button", name="Phone").click()
        page.get_by_role("button", name="Dark").click()
        expect(drawn.get_by_role("dialog")).to_be_visible()
        page.get_by_label(tide.name).check()
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="On your site").wait_for()
    assert SignUpForm.objects.get().kind == "popup"
