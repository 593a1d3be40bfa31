"""A designed sign-up form: its page, its JSON, and what comes of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from digest.core import clock
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import SignUpForm
from digest.notices.models import Notice
from digest.selfservice import signups
from digest.subscribers import attributes, consent
from digest.subscribers.models import (
    ConsentEvent,
    Growth,
    Profile,
    SignUp,
    Subscriber,
    Subscription,
)
from digest.subscribers.signups import forget_entered
from tests.cast import NOON, make_layout_block, make_newsletter, make_signup_form, make_subscriber
from tests.web.signing_up import NADIA, confirm_path, token

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
PAGE = "https://courier.example/seals?id=7&utm_source=bluesky"


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide, with a topic."""
    newsletter = make_newsletter(description="What matters on this coast.")
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    return newsletter


@pytest.fixture
def city(newsletter: Newsletter) -> Attribute:
    """An attribute that subscribers may set."""
    return attributes.define(
        newsletter.publication,
        label="City",
        kind="choice",
        choices=["Saltmarsh", "Elsewhere"],
        access="sign-up",
        now=NOON,
    )


@pytest.fixture
def form(newsletter: Newsletter, city: Attribute) -> SignUpForm:
    """A form that asks for everything, in the publisher's words."""
    form = make_signup_form(
        newsletter,
        headline="The coast, every morning",
        button="Yes please",
        consent="I want the Tide.",
        asks_name=True,
        asks_topics=True,
    )
    form.attributes.add(city)
    return form


def send(client: Client, form: SignUpForm, **fields: Any) -> Any:
    """Send the form as a browser does, with everything filled in."""
    newsletter = form.newsletters.get()
    answers = {"name": "Nadia", "attribute-city": "saltmarsh", f"topics-{newsletter.pk}": "Harbour"}
    data = {"email": NADIA, "token": token(form), "page": PAGE} | answers | fields
    return client.post(f"/forms/{form.uuid}", data)


def test_its_page_asks_in_the_publishers_words(client: Client, form: SignUpForm) -> None:
    """Without script or cookie."""
    answer = client.get(f"/forms/{form.uuid}")
    page = answer.content.decode()
    for text in ("The coast, every morning", "Yes please", "I want the Tide.", "City", "Harbour"):
        assert text in page
    assert "<script" not in page
    assert not answer.cookies


def test_answers_count_once_the_address_is_confirmed(client: Client, form: SignUpForm) -> None:
    """A stranger may have entered them; until then nobody is named and no profile is written."""
    assert send(client, form).status_code == 200
    path = confirm_path()
    assert Subscriber.objects.get().name == ""
    assert Profile.objects.get().attributes == {}
    client.post(path)
    subscription = Subscription.objects.get()
    assert (subscription.state, subscription.topics) == ("active", ["Harbour"])
    assert subscription.answers is None
    assert Subscriber.objects.get().name == "Nadia"
    assert Profile.objects.get().attributes == {"city": "Saltmarsh"}


def test_a_second_sign_up_changes_nothing_of_what_the_mail_confirms(
    client: Client, form: SignUpForm
) -> None:
    """Anybody may send the form again: within the hour there is one mail, of the first one."""
    send(client, form)
    path = confirm_path()
    changed = {"name": "Idiot", "attribute-city": "elsewhere"}
    newsletter = form.newsletters.get()
    assert send(client, form, **changed, **{f"topics-{newsletter.pk}": ""}).status_code == 200
    signups.settle_due()
    assert Notice.objects.count() == 1
    client.post(path)
    assert Subscriber.objects.get().name == "Nadia"
    assert Profile.objects.get().attributes == {"city": "Saltmarsh"}
    assert Subscription.objects.get().topics == ["Harbour"]


def test_the_page_around_a_frame_learns_that_it_was_accepted(
    client: Client, form: SignUpForm
) -> None:
    """A pop-up with a captcha is a frame, and should not come again."""
    framed = send(client, form, framed="1")
    assert b"web/accepted.js" in framed.content
    assert "script-src 'self'" in framed.headers["Content-Security-Policy"]
    page = send(client, form)
    assert b"<script" not in page.content
    assert "script-src" not in page.headers["Content-Security-Policy"]


def test_what_was_entered_for_somebody_who_has_left_is_not_kept_for_ever(
    client: Client, form: SignUpForm
) -> None:
    """Anybody may have entered it; the mail to confirm it has expired after a week."""
    newsletter = form.newsletters.get()
    subscriber = make_subscriber(newsletter, email=NADIA)
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=clock.now())
    send(client, form)
    signups.settle_due()
    for days, is_kept in ((13, True), (15, False)):
        forget_entered(clock.now() + timedelta(days=days))
        assert (Subscription.objects.get().answers is not None) == is_kept
        assert (Profile.objects.get().unconfirmed is not None) == is_kept


def test_its_source_is_kept(client: Client, form: SignUpForm) -> None:
    """Form, page and campaign with the consent, and the form in the growth."""
    send(client, form)
    client.post(confirm_path())
    event = ConsentEvent.objects.get(action="requested")
    assert (event.via, event.wording) == (form.via, "I want the Tide.")
    assert event.wording_version
    assert (event.page, event.campaign) == ("https://courier.example/seals", "utm_source=bluesky")
    assert Growth.objects.get().source == form.via


def test_signing_up_again_changes_nothing_for_a_subscriber(
    client: Client, form: SignUpForm
) -> None:
    """Neither the state nor what is known of them: anybody can enter their address."""
    newsletter = form.newsletters.get()
    make_subscriber(newsletter, email=NADIA, name="Nadia Haddad")
    send(client, form, name="Somebody else")
    signups.settle_due()
    subscription = Subscription.objects.get()
    assert (subscription.state, subscription.topics, subscription.answers) == ("active", [], None)
    assert Subscriber.objects.get().name == "Nadia Haddad"
    assert not Profile.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"email": "nadia"}, 422, "Enter a valid email address."),
        ({"attribute-city": "Atlantis"}, 422, "cannot be saved"),
        ({"token": "x"}, 409, "submit the form again"),
        ({"choice": "1"}, 422, "at least one newsletter"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_stays(
    client: Client, form: SignUpForm, fields: dict[str, str], status: int, sentence: str
) -> None:
    """With what was entered still in the form."""
    answer = send(client, form, **fields)
    page = answer.content.decode()
    assert (answer.status_code, sentence in page) == (status, True)
    assert 'value="Nadia"' in page
    assert not SignUp.objects.exists()


def test_a_token_is_of_one_form(client: Client, form: SignUpForm) -> None:
    """That of another form, or of the newsletter's own, does not count."""
    newsletter = form.newsletters.get()
    for other in (make_signup_form(newsletter), newsletter, newsletter.publication):
        assert send(client, form, token=token(other)).status_code == 409


def test_a_plain_form_leads_to_the_page(client: Client, form: SignUpForm) -> None:
    """It needs neither script nor frame; the page has the token, and knows where it came from."""
    address = f"/forms/{form.uuid}"
    referer = {"referer": "https://courier.example/"}
    answer = client.post(address, {"start": "1", "email": NADIA}, headers=referer)
    page = answer.content.decode()
    assert f'value="{NADIA}"' in page
    assert 'name="page" value="https://courier.example/"' in page
    assert 'role="alert"' not in page


def test_scripts_of_any_site_may_use_it(client: Client, form: SignUpForm) -> None:
    """The script draws it, asks for a token, and sends it."""
    answer = client.get(f"/forms/{form.uuid}.js")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "The coast, every morning" in answer.content.decode()
    description = client.get(f"/forms/{form.uuid}", headers=JSON)
    assert description.headers["Access-Control-Allow-Origin"] == "*"
    assert description.json()["wording"] == "I want the Tide."
    body = {"email": NADIA, "token": token(form)}
    sent = client.post(f"/forms/{form.uuid}", body, headers=JSON)
    assert (sent.status_code, sent.json()["answer"]) == (200, "accepted")


def test_a_form_whose_newsletters_are_closed_says_so(client: Client, form: SignUpForm) -> None:
    """It takes nothing, and the script has nothing to draw."""
    Newsletter.objects.update(state="closed")
    assert "Sign-ups are closed" in client.get(f"/forms/{form.uuid}").content.decode()
    assert send(client, form).status_code == 422
    assert '"newsletters": []' in client.get(f"/forms/{form.uuid}.js").content.decode()


def test_an_attribute_that_is_the_publishers_again_is_not_set(
    client: Client, form: SignUpForm, city: Attribute
) -> None:
    """Whatever waited for the confirmation."""
    send(client, form)
    path = confirm_path()
    attributes.change(city, access="none")
    client.post(path)
    assert Subscription.objects.get().state == "active"
    assert Profile.objects.get().attributes == {}


@pytest.mark.parametrize("path", ["/forms/{}", "/forms/{}.js"])
def test_an_unknown_form_is_not_there(client: Client, path: str) -> None:
    """As after it was deleted."""
    unknown = path.format("3f2b8c1e-0000-4000-8000-000000000000")
    assert client.get(unknown).status_code == 404
