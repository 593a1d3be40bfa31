"""Signing up: the page, the frame, the script; one answer for every address."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.core import addresses
from digest.newsletters.models import Newsletter, Publication
from digest.notices import send
from digest.notices.models import Notice
from digest.selfservice import signups
from digest.subscribers import signup_limits
from digest.subscribers.errors import TooManyError
from digest.subscribers.models import ConsentEvent, SignUp, Subscriber, Subscription
from digest.subscribers.segments import saving
from digest.subscribers.suppression import suppress
from tests.cast import (
    LONG_AGO,
    NOON,
    make_block,
    make_issue,
    make_newsletter,
    make_story,
    make_subscriber,
)
from tests.web.signing_up import NADIA, confirm_path, letter, sign_up, token

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide."""
    return make_newsletter(description="What matters on this coast.")


@pytest.fixture
def strict() -> Client:
    """A client that is held to CSRF and sends no cookies."""
    return Client(enforce_csrf_checks=True)


def test_form_needs_no_script_and_no_cookie(strict: Client, newsletter: Newsletter) -> None:
    """The page holds a plain form; no cookie is set, no script runs."""
    answer = strict.get(f"/subscribe/{newsletter.slug}")
    page = answer.content.decode()
    assert "Receive latest news & updates" in page
    assert "<script" not in page
    assert not answer.cookies


def test_a_wish_is_taken_down_with_what_was_read(strict: Client, newsletter: Newsletter) -> None:
    """Address, door, IP, language, wording and its version are kept."""
    answer = sign_up(strict, newsletter)
    assert answer.status_code == 200
    assert b"Check your inbox" in answer.content
    wish = SignUp.objects.get()
    assert (wish.email, wish.via, wish.ip, wish.language) == (NADIA, "page", "127.0.0.1", "en")
    assert "I want to receive The Morning Tide" in wish.wording
    assert len(wish.wording_version) == 12


def test_consent_says_when_clicks_are_counted_as_theirs(
    strict: Client, newsletter: Newsletter
) -> None:
    """On the form and in what is stored; not where nobody's clicks are theirs."""
    page, text = f"/subscribe/{newsletter.slug}", "may record which links I click in its emails."
    for tracking, is_said in (("aggregate", False), ("individual", True)):
        Publication.objects.update(tracking=tracking)
        assert (text in strict.get(page).content.decode()) == is_said
    sign_up(strict, newsletter)
    assert text in SignUp.objects.get().wording


def test_only_the_press_of_the_button_confirms(strict: Client, newsletter: Newsletter) -> None:
    """GET and HEAD of the link change nothing, however often; POST makes the subscriber active."""
    sign_up(strict, newsletter)
    link = confirm_path()
    for _ in range(3):
        assert strict.get(link).status_code == strict.head(link).status_code == 200
    assert Subscription.objects.get().state == "pending"
    assert b"You are subscribed" in strict.post(link).content
    assert Subscription.objects.get().state == "active"
    actions = ConsentEvent.objects.order_by("pk").values_list("action", "via")
    assert list(actions) == [("requested", "page"), ("confirmed", "confirmation")]
    assert b"You are subscribed" in strict.post(link).content
    assert ConsentEvent.objects.count() == 2


def test_a_new_subscriber_is_welcomed_once(strict: Client, newsletter: Newsletter) -> None:
    """The welcome can be left by one click, and leads to the preferences."""
    sign_up(strict, newsletter)
    link = confirm_path()
    strict.post(link)
    strict.post(link)
    assert Notice.objects.filter(kind="welcome").count() == 1
    welcome = letter("welcome")
    assert "/preferences/" in welcome.links["preferences"]
    assert "/unsubscribe/" in welcome.unsubscribe_url


@pytest.mark.parametrize("case", ["unknown", "active", "pending", "left", "suppressed"])
def test_the_answer_does_not_say_who_is_known(
    strict: Client, newsletter: Newsletter, case: str
) -> None:
    """Words and status are the same for every address, and so is what is stored at once."""
    if case != "unknown":
        subscriber = make_subscriber(newsletter, email=NADIA)
        state = {"pending": "pending", "left": "unsubscribed"}.get(case, "active")
        Subscription.objects.filter(subscriber=subscriber).update(
            state=state, unsubscribed_at=LONG_AGO
        )
    if case == "suppressed":
        suppress(addresses.parse(NADIA).key, reason="complaint", now=NOON)
    answer = sign_up(strict, newsletter)
    assert answer.status_code == 200
    assert b"We have sent you an email." in answer.content
    assert SignUp.objects.count() == 1
    signups.settle_due()
    kinds = {"active": ["link"], "suppressed": []}.get(case, ["confirm"])
    assert list(Notice.objects.values_list("kind", flat=True)) == kinds


def test_who_left_stays_out_until_they_confirm(strict: Client, newsletter: Newsletter) -> None:
    """A stranger's sign-up changes nothing; the subscriber's own confirmation does."""
    subscriber = make_subscriber(newsletter, email=NADIA)
    Subscription.objects.filter(subscriber=subscriber).update(
        state="unsubscribed", unsubscribed_at=LONG_AGO
    )
    sign_up(strict, newsletter)
    link = confirm_path()
    assert Subscription.objects.get().state == "unsubscribed"
    strict.post(link)
    assert Subscription.objects.get().state == "active"


def test_a_link_from_before_leaving_brings_nobody_back(
    strict: Client, newsletter: Newsletter
) -> None:
    """It gets a kind page."""
    sign_up(strict, newsletter)
    link = confirm_path()
    strict.post(link)
    strict.post(letter("welcome").unsubscribe_url.removeprefix("https://digest.example"))
    assert b"You have unsubscribed" in strict.post(link).content
    assert Subscription.objects.get().state == "unsubscribed"


def test_a_link_that_outlived_its_subscriber_gets_a_kind_page(
    strict: Client, newsletter: Newsletter
) -> None:
    """After erasure there is nothing to confirm."""
    sign_up(strict, newsletter)
    link = confirm_path()
    Subscriber.objects.get().delete()
    for request in (strict.get, strict.post):
        answer = request(link)
        assert answer.status_code == 200
        assert b"This request is no longer valid" in answer.content


def test_several_newsletters_are_one_confirmation(strict: Client, newsletter: Newsletter) -> None:
    """A form may offer several; one mail asks about all of them."""
    other = make_newsletter(publication=newsletter.publication, name="Weekend Tide")
    foreign = make_newsletter(name="Elsewhere")
    chosen = [newsletter.slug, other.slug, foreign.slug]
    sign_up(strict, newsletter, choice="1", newsletters=chosen)
    strict.post(confirm_path())
    assert Notice.objects.filter(kind="confirm").count() == 1
    active = Subscription.objects.filter(state="active")
    assert set(active.values_list("newsletter", flat=True)) == {newsletter.pk, other.pk}


def test_whoever_chooses_agrees_to_what_the_page_said(
    strict: Client, newsletter: Newsletter
) -> None:
    """It named none of those that were chosen on it, so the evidence names none."""
    make_newsletter(slug="evening", name="The Evening Tide", publication=newsletter.publication)
    page = strict.get(f"/subscribe/{newsletter.slug}").content.decode()
    sign_up(strict, newsletter, choice="1", newsletters=[newsletter.slug, "evening"])
    assert SignUp.objects.get().wording in page
    script = strict.get(f"/subscribe/{newsletter.slug}", headers={"accept": "application/json"})
    assert script.json()["wording_of_choice"] == SignUp.objects.get().wording


def test_nothing_chosen_is_said(strict: Client, newsletter: Newsletter) -> None:
    """All boxes unticked is not a wish."""
    answer = sign_up(strict, newsletter, choice="1")
    assert answer.status_code == 422
    assert b"Choose at least one newsletter" in answer.content


@pytest.mark.parametrize(
    "email", ["", "nadia", "a@b", "x\r\nBcc: e@e.example", "a b@c.example", "\x00@x.example"]
)
def test_no_address_is_said_kindly(strict: Client, newsletter: Newsletter, email: str) -> None:
    """The form comes back with what was typed, escaped, and nothing is stored."""
    answer = sign_up(strict, newsletter, email)
    assert answer.status_code == 422
    assert b"Enter a valid email address." in answer.content
    assert not SignUp.objects.exists()


def test_look_alikes_are_asked_about_once(strict: Client, newsletter: Newsletter) -> None:
    """A Cyrillic letter in a Latin word is pointed out; who is sure may go on."""
    odd = "p\u0430ul@reader.example"
    answer = sign_up(strict, newsletter, odd)
    assert answer.status_code == 422
    assert "mixes letters of different alphabets" in answer.content.decode()
    assert sign_up(strict, newsletter, odd, sure="1").status_code == 200


@pytest.mark.parametrize("seconds", [0.2, 2 * 86_400])
def test_too_quick_or_too_old_is_one_more_press(
    strict: Client, newsletter: Newsletter, seconds: float
) -> None:
    """The form comes back filled in, with a new token; so it does for another site's plain form."""
    for stale in (token(newsletter, seconds), ""):
        answer = sign_up(strict, newsletter, token=stale)
        assert answer.status_code == 409
        assert f'value="{NADIA}"' in answer.content.decode()
    assert not SignUp.objects.exists()


def test_a_token_is_for_one_newsletter(strict: Client, newsletter: Newsletter) -> None:
    """Another's does not do."""
    assert sign_up(strict, newsletter, token=token(make_newsletter())).status_code == 409


def test_bots_that_fill_every_field_get_the_same_answer(
    strict: Client, newsletter: Newsletter
) -> None:
    """And nothing happens."""
    answer = sign_up(strict, newsletter, website="https://spam.example")
    assert b"We have sent you an email." in answer.content
    assert not SignUp.objects.exists()


def test_a_mailbox_has_its_share_in_silence(strict: Client, newsletter: Newsletter) -> None:
    """The sixth wish in an hour for one mailbox is dropped, however it is spelled."""
    spellings = [
        "n.adia@gmail.com",
        "nadia+a@gmail.com",
        "na.dia@googlemail.com",
        "NADIA@gmail.com",
    ]
    for spelling in [*spellings, "nadia@gmail.com", "nad.ia@gmail.com"]:
        assert sign_up(strict, newsletter, spelling).status_code == 200
    assert SignUp.objects.count() == 5
    signups.settle_due()
    assert Notice.objects.count() == 1


def test_one_client_is_told_when_to_retry(strict: Client, newsletter: Newsletter) -> None:
    """Beyond twenty in an hour the answer is 429 with Retry-After, for known and unknown alike."""
    answers = [sign_up(strict, newsletter, f"r{n}@reader.example").status_code for n in range(21)]
    assert answers == [200] * 20 + [429]
    last = sign_up(strict, newsletter, "known@reader.example")
    assert int(last.headers["Retry-After"]) > 60
    assert b"There were too many requests" in last.content


def test_sign_ups_are_refused_while_nobody_counts(
    strict: Client, newsletter: Newsletter, settings: Settings
) -> None:
    """Without Valkey the answer is 503, and nothing is taken."""
    from digest.core.rate_limits import limiter

    limiter.cache_clear()
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1"
    try:
        assert sign_up(strict, newsletter).status_code == 503
    finally:
        limiter.cache_clear()
    assert not SignUp.objects.exists()


def test_one_client_does_not_use_up_its_network(settings: Settings) -> None:
    """What is refused to a client counts for nobody else."""
    limits = {"client": "2/hour", "network": "4/hour"}
    many = dict.fromkeys(("domain", "all", "mailbox"), "1000/hour")
    settings.DIGEST_SIGNUP_LIMITS = limits | many

    def admit(number: int, ip: str) -> bool:
        return signup_limits.admit(addresses.parse(f"n{number}@network.example"), ip)

    assert admit(1, "203.0.113.7")
    assert admit(2, "203.0.113.7")
    for number in range(3, 12):
        with pytest.raises(TooManyError):
            admit(number, "203.0.113.7")
    assert admit(12, "203.0.113.8")


def test_scripts_get_values_then_an_answer(strict: Client, newsletter: Newsletter) -> None:
    """JSON for scripts of any site, under the same rules."""
    values = strict.get(f"/subscribe/{newsletter.slug}", headers=JSON)
    assert values.headers["Access-Control-Allow-Origin"] == "*"
    assert values.json()["wording"].startswith("I want to receive The Morning Tide")
    body = {"email": NADIA, "token": token(newsletter)}
    answer = strict.post(
        f"/subscribe/{newsletter.slug}",
        json.dumps(body),
        content_type="application/json",
        headers=JSON,
    )
    assert answer.json()["answer"] == "accepted"
    assert SignUp.objects.get().via == "script"
    answer = strict.post(f"/subscribe/{newsletter.slug}", {"email": NADIA}, headers=JSON)
    assert (answer.status_code, answer.json()["answer"]) == (409, "retry")
    assert answer.json()["token"]


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"null", b'{"email": {"a": 1}}', b"[" * 100_000, b"\xff"]
)
def test_rubbish_is_an_answer_too(strict: Client, newsletter: Newsletter, body: bytes) -> None:
    """No traceback for what is not a form."""
    answer = strict.post(
        f"/subscribe/{newsletter.slug}", body, content_type="application/json", headers=JSON
    )
    assert answer.status_code == 422


def test_the_frame_may_stand_on_any_site_and_the_page_on_none(
    strict: Client, newsletter: Newsletter
) -> None:
    """Only the form that is made for frames can be framed."""
    page = strict.get(f"/subscribe/{newsletter.slug}")
    frame = strict.get(f"/embed/{newsletter.slug}/signup")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors *" in frame.headers["Content-Security-Policy"]


def test_the_script_says_nothing_that_could_end_it(strict: Client) -> None:
    """A newsletter's name is data in it, never code."""
    newsletter = make_newsletter(name="</script><script>alert(1)</script>\u2028")
    script = strict.get(f"/embed/{newsletter.slug}/signup.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "</script>" not in script.content.decode()


def test_a_cache_keeps_the_script_for_each_language(strict: Client) -> None:
    """Where Digest has no texts in the newsletter's language, the browser's decides."""
    newsletter = make_newsletter(language="ja")
    for language, label in (("de", "Anmelden"), ("en", "Sign up")):
        headers = {"Accept-Language": language}
        script = strict.get(f"/embed/{newsletter.slug}/signup.js", headers=headers)
        assert label in script.content.decode()
        assert script.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize("state", ["private", "closed"])
def test_what_is_not_offered_is_not_there(strict: Client, state: str) -> None:
    """A newsletter that is not for everybody has no public form."""
    hidden = make_newsletter(state=state)
    for address in (f"/subscribe/{hidden.slug}", f"/embed/{hidden.slug}/signup"):
        assert strict.get(address).status_code == 404


@pytest.mark.parametrize(
    ("tag", "label", "subject"),
    [
        ("he", "הרשמה", "אישור המינוי שלך על The Morning Tide"),
        ("ar", "التسجيل", "أكّد اشتراكك في The Morning Tide"),
        ("es", "Suscribirme", "Confirma tu suscripción a The Morning Tide"),
        ("de", "Anmelden", "Bestätigen Sie Ihr Abonnement: The Morning Tide"),
    ],
)
def test_the_form_speaks_the_newsletters_language(
    strict: Client, tag: str, label: str, subject: str
) -> None:
    """Page and confirmation are in the language that the form was shown in."""
    newsletter = make_newsletter(language=tag)
    page = strict.get(f"/subscribe/{newsletter.slug}").content.decode()
    assert label in page
    direction = "rtl" if tag in {"ar", "he"} else "ltr"
    assert f'<html lang="{tag}" dir="{direction}">' in page
    sign_up(strict, newsletter)
    assert (letter().letter.language, letter().letter.subject) == (tag, subject)


def test_notices_quote_nothing_that_was_typed(strict: Client, newsletter: Newsletter) -> None:
    """A name field that spammers fill does not exist, and extra fields go nowhere."""
    sign_up(strict, newsletter, name="Win big at spam.example", subject="spam.example")
    written = letter()
    assert "spam.example" not in repr(written)
    assert Subscriber.objects.get().name == ""


def test_a_relay_away_keeps_the_confirmation(
    strict: Client, newsletter: Newsletter, settings: pytest.FixtureRequest
) -> None:
    """It goes out later; no attempt is used up."""
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1?starttls=never"  # type: ignore[attr-defined]
    sign_up(strict, newsletter)
    signups.settle_due()
    send.send_due()
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts) == (Notice.State.QUEUED, 0)


def test_the_welcome_may_bring_the_latest_issue(strict: Client) -> None:
    """Where the newsletter says so; its stories stand in both parts."""
    newsletter = make_newsletter(welcome_with_latest=True)
    issue = make_issue(newsletter, state="sent", planned_at=NOON, slot=LONG_AGO)
    story = make_story(issue)
    sign_up(strict, newsletter)
    strict.post(confirm_path())
    assert [teaser.title for teaser in letter("welcome").letter.stories] == [story.title]


def test_the_welcome_holds_no_issue_that_is_still_to_come_to_the_subscriber(strict: Client) -> None:
    """By subscribers' clocks, one that goes out may be mailed to them by itself."""
    newsletter = make_newsletter(welcome_with_latest=True, send_in_local_time=True)
    story = make_story(make_issue(newsletter, state="sent", planned_at=NOON, slot=LONG_AGO))
    make_story(make_issue(newsletter, state="sending", planned_at=NOON, slot=NOON))
    sign_up(strict, newsletter)
    strict.post(confirm_path())
    assert [teaser.title for teaser in letter("welcome").letter.stories] == [story.title]


def test_the_welcome_brings_nothing_that_only_some_subscribers_get(strict: Client) -> None:
    """Neither an issue for a segment or a topic, nor a block for one, nor what is hidden."""
    newsletter = make_newsletter(welcome_with_latest=True)
    donors = saving.create(newsletter.publication, "Donors", {"rules": []}, NOON)
    issue = make_issue(newsletter, state="sent", planned_at=NOON, slot=LONG_AGO)
    story = make_story(issue)
    limits: list[dict[str, Any]] = [{"segment": donors}, {"only_topics": ["Harbour"]}]
    left_out: list[dict[str, Any]] = [*limits, {"hidden": True}, {"shown_in": "web"}]
    for limit in left_out:
        make_story(issue, block=make_block(issue, **limit))
    for days, limit in enumerate(limits, start=1):
        slot = LONG_AGO + timedelta(days=days)
        make_story(make_issue(newsletter, state="sent", planned_at=NOON, slot=slot, **limit))
    sign_up(strict, newsletter)
    strict.post(confirm_path())
    assert [teaser.title for teaser in letter("welcome").letter.stories] == [story.title]


def test_half_a_character_is_no_address(newsletter: Newsletter, client: Client) -> None:
    """JSON may hold one, and nothing else can: it is refused like any other typing error."""
    body = b'{"email": "ann\\ud800@reader.example", "newsletters": ["\\ud800"]}'
    path = f"/subscribe/{newsletter.slug}"
    for headers in ({}, JSON):
        answer = client.post(path, body, content_type="application/json", headers=headers)
        assert 400 <= answer.status_code < 500
