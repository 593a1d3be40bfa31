"""A subscriber's preferences: what they see, what they change, and what takes a fresh link."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.core import addresses, clock, links
from digest.core.rate_limits import limiter
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.sending.models import Delivery
from digest.subscribers import address_change, consent, importing, suppression
from digest.subscribers.errors import UnsubscribedError
from digest.subscribers.models import (
    AddressChange,
    ConsentEvent,
    Subscriber,
    Subscription,
    Suppression,
)
from tests.cast.issues import make_running
from tests.cast.newsletters import make_newsletter, make_topics
from tests.cast.subscribers import make_subscriber, make_subscription
from tests.clock import LONG_AGO, NOON
from tests.web.signing_up import letter, path

pytestmark = pytest.mark.django_db
NADIA, NEW = "nadia@reader.example", "nadia@elsewhere.example"


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide, with topics, also by the week."""
    newsletter = make_newsletter(cadences=["weekly"])
    make_topics(newsletter, "Harbour", "Culture")
    return newsletter


@pytest.fixture
def nadia(newsletter: Newsletter) -> Subscriber:
    """A subscriber of it."""
    return make_subscriber(newsletter, email=NADIA)


@pytest.fixture
def strict() -> Client:
    """A client that is held to CSRF and sends no cookies."""
    return Client(enforce_csrf_checks=True)


def page_of(subscriber: Subscriber, newsletter: Newsletter) -> str:
    """The link at the foot of every mail."""
    return path(links.preferences_url(subscriber, newsletter.publication))


def fresh_page_of(subscriber: Subscriber, newsletter: Newsletter, hours: float = 1) -> str:
    """The link that was sent to the mailbox a while ago."""
    until = clock.now() + timedelta(hours=hours)
    key = Subscriber.objects.get(pk=subscriber.pk).address_key
    return path(links.fresh_preferences_url(subscriber, newsletter.publication, key, until))


def subscription_of(subscriber: Subscriber, newsletter: Newsletter) -> Subscription:
    """What the subscriber asked of the newsletter."""
    return Subscription.objects.get(subscriber=subscriber, newsletter=newsletter)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(
    strict: Client, nadia: Subscriber, newsletter: Newsletter, method: str
) -> None:
    """A scanner may open it."""
    before = Subscription.objects.values().get()
    assert getattr(strict, method)(page_of(nadia, newsletter)).status_code == 200
    assert Subscription.objects.values().get() == before
    assert not ConsentEvent.objects.exists()


def test_cadence_and_topics_are_chosen(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """What is offered can be chosen, and nothing else."""
    sent = {"action": "save", f"shown-{newsletter.pk}": "1", f"on-{newsletter.pk}": "1"}
    wish = {f"cadence-{newsletter.pk}": "weekly", f"topics-{newsletter.pk}": ["Harbour", "Sports"]}
    answer = strict.post(page_of(nadia, newsletter), sent | wish)
    assert answer.status_code == 302
    assert b"Your changes have been saved." in strict.get(answer.headers["Location"]).content
    stored = subscription_of(nadia, newsletter)
    assert (stored.cadence, stored.topics) == ("weekly", ["Harbour"])
    strict.post(page_of(nadia, newsletter), sent | {f"cadence-{newsletter.pk}": "daily"})
    stored.refresh_from_db()
    assert (stored.cadence, stored.topics) == ("every", [])


def test_less_of_a_topic_is_applied_by_a_button_and_undone_by_one(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """The link in the mail shows what it is about; to open it changes nothing."""
    link = f"{page_of(nadia, newsletter)}?change=less&topic=Harbour&newsletter={newsletter.slug}"
    before = Subscription.objects.values().get()
    for request in (strict.get, strict.head):
        assert request(link).status_code == 200
    assert "You receive stories about Harbour." in strict.get(link).text
    assert Subscription.objects.values().get() == before
    form = {"action": "topic", "newsletter": newsletter.slug, "topic": "Harbour"}
    for change, muted, button in (("less", ["Harbour"], "more"), ("more", [], "less")):
        answer = strict.post(page_of(nadia, newsletter), form | {"change": change})
        assert subscription_of(nadia, newsletter).muted_topics == muted
        page = strict.get(answer.headers["Location"]).text
        assert "Your changes have been saved." in page
        assert re.search(rf'name="change" value="{button}"[^>]*>Undo<', page)
    assert Subscription.objects.values().get() == before


def test_a_muted_topic_is_shown_and_comes_again_when_it_is_chosen(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """On the page of all preferences; other choices leave it as it is."""
    Subscription.objects.update(muted_topics=["Harbour"])
    assert "(left out)" in strict.get(page_of(nadia, newsletter)).text
    sent = {"action": "save", f"shown-{newsletter.pk}": "1", f"on-{newsletter.pk}": "1"}
    for topic, muted in (("Culture", ["Harbour"]), ("Harbour", [])):
        strict.post(page_of(nadia, newsletter), sent | {f"topics-{newsletter.pk}": [topic]})
        assert subscription_of(nadia, newsletter).muted_topics == muted


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "Weather"},
        {"newsletter": "another"},
        {"change": "everything"},
        {"topic": ""},
    ],
)
def test_only_topics_that_are_offered_can_be_changed(
    strict: Client, nadia: Subscriber, newsletter: Newsletter, change: dict[str, str]
) -> None:
    """The page says so; a link about such a one shows the preferences alone."""
    form = {"newsletter": newsletter.slug, "topic": "Harbour", "change": "less"} | change
    answer = strict.post(page_of(nadia, newsletter), {"action": "topic"} | form)
    assert answer.status_code == 422
    assert "This topic does not exist any more." in answer.text
    assert 'id="topic"' not in strict.get(page_of(nadia, newsletter), form).text
    assert subscription_of(nadia, newsletter).muted_topics == []


def test_the_only_chosen_topic_stays(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Without it every story would come, which is not what was asked for."""
    Subscription.objects.update(topics=["Harbour"])
    form = {"newsletter": newsletter.slug, "topic": "Harbour", "change": "less"}
    answer = strict.post(page_of(nadia, newsletter), {"action": "topic"} | form)
    assert "No topic would be left." in answer.text
    assert subscription_of(nadia, newsletter).topics == ["Harbour"]


def test_off_and_back_on_are_recorded(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Both are consent events, with the wording of the page for coming back."""
    data = {"action": "save", f"shown-{newsletter.pk}": "1"}
    strict.post(page_of(nadia, newsletter), data)
    assert subscription_of(nadia, newsletter).state == "unsubscribed"
    strict.post(page_of(nadia, newsletter), data | {f"on-{newsletter.pk}": "1"})
    assert subscription_of(nadia, newsletter).state == "active"
    events = ConsentEvent.objects.order_by("pk").values_list("action", "via", "wording")
    assert [event[:2] for event in events] == [
        ("unsubscribed", "preferences"),
        ("confirmed", "preferences"),
    ]
    assert events[1][2] == "I want to receive the newsletters selected here by email."


def test_another_newsletter_of_the_publication_can_be_added(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """One that is listed; another publication's is out of reach."""
    other = make_newsletter(publication=newsletter.publication, name="Weekend")
    foreign = make_newsletter(name="Elsewhere")
    sent = {"action": "save"}
    for candidate in (newsletter, other, foreign):
        sent |= {f"shown-{candidate.pk}": "1", f"on-{candidate.pk}": "1"}
    strict.post(page_of(nadia, newsletter), sent)
    active = Subscription.objects.filter(subscriber=nadia, state="active")
    assert set(active.values_list("newsletter", flat=True)) == {newsletter.pk, other.pk}


def test_a_pause_holds_until_the_subscribers_own_morning(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """The day begins in the subscriber's zone; the pause can be ended at once."""
    Subscriber.objects.update(timezone="Pacific/Auckland")
    day = (clock.now() + timedelta(days=9)).date()
    strict.post(page_of(nadia, newsletter), {"action": "pause", "until": day.isoformat()})
    until = subscription_of(nadia, newsletter).paused_until
    assert until is not None
    assert until.astimezone(clock.zone("Pacific/Auckland")).isoformat()[:19] == f"{day}T00:00:00"
    assert b"Emails are paused until" in strict.get(page_of(nadia, newsletter)).content
    strict.post(page_of(nadia, newsletter), {"action": "resume"})
    assert subscription_of(nadia, newsletter).paused_until is None


def test_a_pause_of_one_newsletter_is_not_one_of_all(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """One that nobody seemed to read rests; what is read can be paused, and all resumed."""
    other = make_newsletter(slug="ebb", name="The Ebb", publication=newsletter.publication)
    make_subscription(nadia, other, paused_until=clock.now() + timedelta(days=3650))
    page = strict.get(page_of(nadia, newsletter)).content.decode()
    assert page.count("Emails are paused until") == 1
    assert (
        page.index(other.name) < page.index("Emails are paused until") < page.index("Pause until")
    )
    assert 'value="resume"' in page
    strict.post(page_of(nadia, newsletter), {"action": "resume"})
    assert subscription_of(nadia, other).paused_until is None


@pytest.mark.parametrize("until", ["", "tomorrow", "2020-01-01", "9999-12-31", "0001-01-01"])
def test_a_pause_without_a_sound_day_is_explained(
    strict: Client, nadia: Subscriber, newsletter: Newsletter, until: str
) -> None:
    """Nothing is changed."""
    answer = strict.post(page_of(nadia, newsletter), {"action": "pause", "until": until})
    assert answer.status_code == 422
    assert subscription_of(nadia, newsletter).paused_until is None


@pytest.mark.parametrize(
    ("client_limit", "text"),
    [("1/hour", "Es gab zu viele Anfragen"), ("", "vorübergehend nicht möglich")],
)
def test_limits_are_explained_in_the_subscribers_language(
    strict: Client,
    nadia: Subscriber,
    newsletter: Newsletter,
    settings: Settings,
    client_limit: str,
    text: str,
) -> None:
    """Whoever may not change the address now reads why, and when they may."""
    Subscriber.objects.update(language="de")
    limiter.cache_clear()
    if client_limit:
        settings.DIGEST_SIGNUP_LIMITS = settings.DIGEST_SIGNUP_LIMITS | {"client": client_limit}
    else:
        settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1"
    try:
        for email in (NEW, "third@elsewhere.example"):
            page = {"action": "change", "email": email}
            answer = strict.post(fresh_page_of(nadia, newsletter), page)
    finally:
        limiter.cache_clear()
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert not AddressChange.objects.filter(email=email).exists()


def test_a_suppressed_subscriber_reads_that_no_mail_can_be_sent(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """In their language, and without our names of things."""
    Subscriber.objects.update(language="de")
    consent.unsubscribe(nadia.pk, newsletter.pk, via="t", ip=None, now=NOON)
    suppression.suppress(NADIA, reason=suppression.BOUNCED, now=NOON)
    page = {f"shown-{newsletter.pk}": "1", f"on-{newsletter.pk}": "1"}
    answer = strict.post(page_of(nadia, newsletter), {"action": "save", **page})
    assert answer.status_code == 422
    assert "Wir können keine E-Mails an Ihre Adresse senden" in answer.content.decode()
    assert subscription_of(nadia, newsletter).state == "unsubscribed"


def test_name_language_and_zone_are_kept(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """The page speaks the chosen language from then on; a name stays on one line."""
    sent = {"name": "Nadia\r\nBcc: e@e", "language": "he", "timezone": "Asia/Jerusalem"}
    strict.post(page_of(nadia, newsletter), {"action": "profile"} | sent)
    nadia.refresh_from_db()
    assert (nadia.name, nadia.language) == ("Nadia Bcc: e@e", "he")
    assert 'dir="rtl"' in strict.get(page_of(nadia, newsletter)).content.decode()
    answer = strict.post(page_of(nadia, newsletter), {"action": "profile", "timezone": "Mars/Base"})
    assert answer.status_code == 422


def test_a_language_without_a_catalog_is_kept(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """It came with a list: whoever saves another field has not changed it."""
    Subscriber.objects.update(language="pl")
    page = strict.get(page_of(nadia, newsletter)).content.decode()
    assert '<option value="pl" selected>polski</option>' in page
    values = {"action": "profile", "name": "Nadia", "language": "pl", "timezone": ""}
    strict.post(page_of(nadia, newsletter), values)
    assert Subscriber.objects.get(pk=nadia.pk).language == "pl"
    strict.post(page_of(nadia, newsletter), values | {"language": "xx"})
    assert Subscriber.objects.get(pk=nadia.pk).language == ""


def test_leaving_everything_leaves_this_publication_alone(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Another publication's newsletter stays."""
    foreign = make_newsletter()
    consent.subscribe(
        addresses.parse(NADIA), foreign, via="t", confirmed=True, wording="", now=NOON
    )
    strict.post(page_of(nadia, newsletter), {"action": "unsubscribe-all"})
    assert subscription_of(nadia, newsletter).state == "unsubscribed"
    assert subscription_of(nadia, foreign).state == "active"


@pytest.mark.parametrize("action", ["change", "download", "erase"])
def test_what_hurts_takes_a_fresh_link(
    strict: Client, nadia: Subscriber, newsletter: Newsletter, action: str
) -> None:
    """Under the link of every mail, one is sent to the mailbox instead; once in an hour."""
    sent = {"action": action, "sure": "1", "email": NEW}
    for _ in range(2):
        answer = strict.post(page_of(nadia, newsletter), sent)
        assert answer.headers["Location"].endswith("?done=link")
    assert Subscriber.objects.filter(pk=nadia.pk).exists()
    assert list(Notice.objects.values_list("kind", "email")) == [("link", NADIA)]
    opened = strict.get(path(letter("link").links["preferences"]))
    assert b"Download my data" in opened.content


def test_a_fresh_link_grows_old(strict: Client, nadia: Subscriber, newsletter: Newsletter) -> None:
    """It opens nothing any more, and says how to get another."""
    old = fresh_page_of(nadia, newsletter, hours=-1)
    for answer in (strict.get(old), strict.post(old, {"action": "erase", "sure": "1"})):
        assert b"This link has expired" in answer.content
    assert Subscriber.objects.filter(pk=nadia.pk).exists()


def test_the_download_holds_what_is_known(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """As a JSON file."""
    answer = strict.post(fresh_page_of(nadia, newsletter), {"action": "download"})
    assert "attachment" in answer.headers["Content-Disposition"]
    export = json.loads(answer.content)
    assert export["email"] == NADIA
    assert export["subscriptions"][0]["newsletter"] == newsletter.slug


def test_an_address_change_is_confirmed_there_and_reported_here(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Nothing changes before the new mailbox has said so; the old one can take it back."""
    strict.post(fresh_page_of(nadia, newsletter), {"action": "change", "email": NEW})
    link = path(letter("change", NEW).links["confirm"])
    for request in (strict.get, strict.head):
        request(link)
    nadia.refresh_from_db()
    assert nadia.email == NADIA
    assert b"Your address has been changed" in strict.post(link).content
    nadia.refresh_from_db()
    assert (nadia.email, nadia.address_key) == (NEW, NEW)
    assert strict.post(link).status_code == 200
    undo = path(letter("changed", NADIA).links["confirm"])
    strict.get(undo)
    nadia.refresh_from_db()
    assert nadia.email == NEW
    strict.post(undo)
    nadia.refresh_from_db()
    assert nadia.email == NADIA


def change_address(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, to: str
) -> tuple[str, str]:
    """Change the address and confirm that; return the links that confirm and undo it."""
    former = Subscriber.objects.get(pk=subscriber.pk).email
    strict.post(fresh_page_of(subscriber, newsletter), {"action": "change", "email": to})
    confirm = path(letter("change", to).links["confirm"])
    assert b"Your address has been changed" in strict.post(confirm).content
    return confirm, path(letter("changed", former).links["confirm"])


def email_of(subscriber: Subscriber) -> str:
    """The address that is stored now."""
    return Subscriber.objects.get(pk=subscriber.pk).email


def test_a_change_is_undone_after_another_one(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """The old mailbox has its week whatever whoever made the change does next."""
    _, undo_first = change_address(strict, nadia, newsletter, NEW)
    _, undo_second = change_address(strict, nadia, newsletter, "third@elsewhere.example")
    page = {"action": "change", "email": "fourth@elsewhere.example"}
    strict.post(fresh_page_of(nadia, newsletter), page)
    waiting = path(letter("change", page["email"]).links["confirm"])
    for _ in range(2):  # a repetition gets the same page
        assert b"The change has been undone" in strict.post(undo_first).content
        assert email_of(nadia) == NADIA
    for link in (undo_second, waiting):
        assert b"This request is no longer valid" in strict.post(link).content
        assert email_of(nadia) == NADIA


def test_a_link_does_not_say_what_is_no_longer_so(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Neither that the address was changed, after that was undone, nor the other way round."""
    confirm, undo = change_address(strict, nadia, newsletter, NEW)
    strict.post(undo)
    assert b"This request is no longer valid" in strict.post(confirm).content
    change_address(strict, nadia, newsletter, "third@elsewhere.example")
    for link in (undo, confirm):
        assert b"This request is no longer valid" in strict.post(link).content
    assert email_of(nadia) == "third@elsewhere.example"


def test_a_fresh_link_is_of_the_mailbox_that_it_was_sent_to(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Whoever had the address changed keeps no way back in once that is undone."""
    before = fresh_page_of(nadia, newsletter)
    _, undo = change_address(strict, nadia, newsletter, NEW)
    assert strict.get(before).status_code == 410
    changed = fresh_page_of(nadia, newsletter)
    assert strict.get(changed).status_code == 200
    strict.post(undo)
    assert strict.post(changed, {"action": "erase", "sure": "1"}).status_code == 410
    assert strict.get(before).status_code == 200


def test_an_address_that_was_mistyped_cannot_be_confirmed_later(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Its mailbox is a stranger's, who would have the newsletters and the preferences."""
    page = {"action": "change", "email": "nadia@elsewere.example"}
    strict.post(fresh_page_of(nadia, newsletter), page)
    mistyped = path(letter("change", page["email"]).links["confirm"])
    change_address(strict, nadia, newsletter, NEW)
    assert b"This request is no longer valid" in strict.post(mistyped).content
    assert email_of(nadia) == NEW


def test_an_address_that_nobody_confirmed_is_not_kept(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """It may be that of somebody who has nothing to do with us."""
    change_address(strict, nadia, newsletter, NEW)
    page = {"action": "change", "email": "nadia@third.example"}
    strict.post(fresh_page_of(nadia, newsletter), page)
    for days, number in ((13, 2), (15, 1)):
        address_change.delete_unconfirmed(clock.now() + timedelta(days=days))
        assert AddressChange.objects.count() == number


def test_a_confirmed_address_lifts_what_a_list_said_of_it(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Who moves there wants the newsletter there; a bounce stays."""
    suppression.suppress(NEW, reason=suppression.UNSUBSCRIBED, newsletter=newsletter, now=NOON)
    other = make_newsletter()
    suppression.suppress(NEW, reason=suppression.UNSUBSCRIBED, newsletter=other, now=NOON)
    change_address(strict, nadia, newsletter, NEW)
    assert [row.newsletter for row in Suppression.objects.all()] == [other]


def test_a_change_to_a_subscribers_address_reveals_nothing(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """The same words, and no mail."""
    make_subscriber(newsletter, email=NEW)
    answer = strict.post(fresh_page_of(nadia, newsletter), {"action": "change", "email": NEW})
    assert answer.headers["Location"].endswith("?done=requested")
    assert not AddressChange.objects.exists()
    assert not Notice.objects.exists()


def test_erasure_is_asked_twice_and_thorough(
    strict: Client, nadia: Subscriber, newsletter: Newsletter
) -> None:
    """Everything goes; issues keep their numbers; a keyed hash stays."""
    issue = make_running(newsletter=newsletter)
    Delivery.objects.create(issue=issue, subscriber=nadia, due_at=LONG_AGO)
    link = fresh_page_of(nadia, newsletter)
    assert b"Delete all your data?" in strict.post(link, {"action": "erase"}).content
    assert Subscriber.objects.filter(pk=nadia.pk).exists()
    assert (
        b"Your data has been deleted" in strict.post(link, {"action": "erase", "sure": "1"}).content
    )
    assert not Subscriber.objects.filter(pk=nadia.pk).exists()
    assert not Subscription.objects.filter(subscriber_id=nadia.pk).exists()
    assert Delivery.objects.filter(issue=issue).count() == 2
    stored = Suppression.objects.get()
    assert stored.address_key.startswith("hmac:")
    assert "nadia" not in repr(Suppression.objects.values().get())
    assert b"This link is no longer valid" in strict.get(link).content


def test_an_erased_subscriber_may_resubscribe_and_no_list_brings_them(
    strict: Client, nadia: Subscriber, newsletter: Newsletter, tmp_path: object
) -> None:
    """Their own confirmed wish lifts the hash; an import does not."""
    strict.post(fresh_page_of(nadia, newsletter), {"action": "erase", "sure": "1"})
    file = tmp_path / "list.csv"  # type: ignore[operator]
    file.write_text(f"email\n{NADIA}\n")
    report = importing.import_csv(file, newsletter, consent="asked in the shop", now=NOON)
    assert (report.added, report.refused) == (0, 1)
    renewed = consent.subscribe(
        addresses.parse(NADIA),
        newsletter,
        via="t",
        confirmed=False,
        wording="",
        allow_resubscribe=True,
        now=NOON,
    )
    assert consent.confirm(renewed.subscriber_id, newsletter.pk, via="t", ip=None, now=NOON)
    assert not Suppression.objects.exists()
    consent.unsubscribe(renewed.subscriber_id, newsletter.pk, via="t", ip=None, now=NOON)
    with pytest.raises(UnsubscribedError):
        consent.confirm(renewed.subscriber_id, newsletter.pk, via="t", ip=None, now=NOON)


@pytest.mark.parametrize("purpose", ["unsubscribe", "confirm"])
def test_links_for_other_things_open_nothing(
    strict: Client, nadia: Subscriber, newsletter: Newsletter, purpose: str
) -> None:
    """A kind 404."""
    token = links.sign_rows(purpose, nadia, newsletter.publication)
    for answer in (strict.get(f"/preferences/{token}"), strict.post(f"/preferences/{token}")):
        assert answer.status_code == 404
        assert b"This link is not valid" in answer.content


def test_the_link_of_a_test_mail_says_so(strict: Client, newsletter: Newsletter) -> None:
    """It has no subscriber."""
    link = path(links.preferences_url(links.NOBODY, newsletter.publication))
    assert b"This was a test email" in strict.get(link).content
