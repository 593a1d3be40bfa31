"""A subscriber's page: what an editor does for one subscriber who wrote to them."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import AuditEntry
from digest.core import addresses
from digest.entitlements import reading, receiving, registry
from digest.entitlements.models import Customer, PaidSubscription
from digest.issues.models import Issue
from digest.newsletters.models import Publication
from digest.notices import send
from digest.selfservice import signups
from digest.sending import sender
from digest.subscribers import suppression
from digest.subscribers.models import Subscriber, Subscription, Suppression
from tests.cast.accounts import browser_of
from tests.cast.issues import make_running
from tests.cast.newsletters import make_member, make_newsletter, make_publication
from tests.cast.subscribers import make_subscription
from tests.cast.texts import SCRIPT
from tests.clock import NOON
from tests.entitlements.stripe_calls import checkout, make_account
from tests.entitlements.stripe_calls import subscription as stripe_subscription
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
NOT_ERASED = "Nothing was erased. This subscriber also has newsletters, or pays for something"


@pytest.fixture
def issue() -> Issue:
    """An issue on its way to two subscribers."""
    return make_running(2)


@pytest.fixture
def subscriber(issue: Issue) -> Subscriber:
    """One of them."""
    return Subscriber.objects.earliest("pk")


def owner_of(publication: Publication) -> Client:
    """The browser of somebody who owns one publication."""
    return browser_of(make_member(publication))


def messages_of(answer: object) -> str:
    """What the page tells after a button was pressed."""
    return " ".join(str(message) for message in answer.context["messages"])  # type: ignore[attr-defined]


def test_a_copy_is_sent_and_shown(
    ada_client: Client, issue: Issue, subscriber: Subscriber, settings: Settings
) -> None:
    """With the relay's words; pressed again, it says when it went."""
    address = f"/admin/subscribers/{subscriber.pk}/"
    with SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        sender.send_due()
        assert "Issue resent to" in messages_of(
            ada_client.post(f"{address}resend/{issue.pk}/", follow=True)
        )
        send.send_due()
        assert [mail.recipient for mail in relay.received].count(subscriber.email) == 2
    assert "A copy went to" in messages_of(
        ada_client.post(f"{address}resend/{issue.pk}/", follow=True)
    )
    page = ada_client.get(address).content.decode()
    assert "Sends an issue again" in page
    assert "250" in page
    assert AuditEntry.objects.get().target == subscriber.email


def test_all_that_is_known_is_downloaded(ada_client: Client, subscriber: Subscriber) -> None:
    """As a file, and noted."""
    answer = ada_client.get(f"/admin/subscribers/{subscriber.pk}/export/")
    assert "attachment" in answer["Content-Disposition"]
    assert json.loads(answer.content)["email"] == subscriber.email
    assert AuditEntry.objects.get().action == "exported the subscriber"


def test_of_another_publication_nothing_is_downloaded(issue: Issue, subscriber: Subscriber) -> None:
    """Though it is the same subscriber."""
    other = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    dates = {"state": Subscription.State.ACTIVE, "created_at": NOON, "confirmed_at": NOON}
    Subscription.objects.create(subscriber=subscriber, newsletter=other, **dates)
    browser = owner_of(other.publication)
    data = json.loads(browser.get(f"/admin/subscribers/{subscriber.pk}/export/").content)
    assert {row["newsletter"] for row in data["subscriptions"]} == {"gazette"}
    assert data["deliveries"] == []
    form = {"address": subscriber.email}
    answer = browser.post(f"/admin/subscribers/{subscriber.pk}/erase/", form, follow=True)
    assert NOT_ERASED in messages_of(answer)
    resend = browser.post(f"/admin/subscribers/{subscriber.pk}/resend/{issue.pk}/")
    assert resend.status_code == 404


@pytest.mark.parametrize("path", ["", "{pk}/", "{pk}/export/", "export/"])
def test_who_is_another_publications_subscriber_shows_no_details(
    subscriber: Subscriber, path: str
) -> None:
    """Whoever invites an address that they only know does not read who that is."""
    details = {"name": "Inés Carrasco", "language": "es", "timezone": "Europe/Madrid"}
    dates = {"created_at": NOON - timedelta(days=900), "acted_at": NOON - timedelta(days=800)}
    Subscriber.objects.update(**details, **dates)
    other = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    make_subscription(subscriber, other, created_at=NOON)
    address = f"/admin/subscribers/{path.format(pk=subscriber.pk)}"
    browser = owner_of(other.publication)
    page = browser.get(address).getvalue().decode()
    assert subscriber.email in page
    for hidden in ("Inés", "Madrid", "2024", '"es"', "· es"):
        assert hidden not in page
    searched = browser.get("/admin/subscribers/", {"q": "carrasco"}).content.decode()
    assert subscriber.email not in searched
    subscriber.subscriptions.exclude(newsletter=other).delete()
    assert "Inés Carrasco" in browser.get(address).getvalue().decode()


@pytest.mark.parametrize("address", ["", "ines", "other@reader.example", SCRIPT])
def test_nobody_is_erased_by_mistake(
    ada_client: Client, subscriber: Subscriber, address: str
) -> None:
    """Their whole address has to be typed."""
    form = {"address": address}
    answer = ada_client.post(f"/admin/subscribers/{subscriber.pk}/erase/", form, follow=True)
    assert "Nothing was erased" in messages_of(answer)
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()


def test_a_subscriber_is_erased(ada_client: Client, subscriber: Subscriber) -> None:
    """And the audit log does not keep their address."""
    form = {"address": subscriber.email.upper()}
    answer = ada_client.post(f"/admin/subscribers/{subscriber.pk}/erase/", form, follow=True)
    assert "Subscriber erased" in messages_of(answer)
    assert not Subscriber.objects.filter(pk=subscriber.pk).exists()
    assert subscriber.email not in str(list(AuditEntry.objects.values()))


def test_nobody_is_erased_who_pays_another_publication(
    subscriber: Subscriber, issue: Issue
) -> None:
    """Their tier waits there with the address, whether or not they subscribe to it."""
    other = make_publication(slug="gazette")
    account = make_account(other)
    for event in (checkout(subscriber.email), stripe_subscription()):
        receiving.apply(account, reading.read(event), NOON)
    address, form = f"/admin/subscribers/{subscriber.pk}/erase/", {"address": subscriber.email}
    browser = owner_of(issue.newsletter.publication)
    assert NOT_ERASED in messages_of(browser.post(address, form, follow=True))
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()
    assert (Customer.objects.count(), PaidSubscription.objects.count()) == (1, 1)
    registry.disconnect(account)
    assert browser.post(address, form).status_code == 302
    assert not Subscriber.objects.filter(pk=subscriber.pk).exists()


def test_an_editor_of_their_newsletter_erases_who_pays_its_publication(
    subscriber: Subscriber, issue: Issue
) -> None:
    """Not who pays another one as well."""
    own, other = issue.newsletter.publication, make_publication(slug="gazette")
    for publication in (own, other):
        account = make_account(publication)
        for event in (checkout(subscriber.email), stripe_subscription()):
            receiving.apply(account, reading.read(event), NOON)
    browser, rights = Client(), {"may_erase": True, "newsletter_ids": [issue.newsletter_id]}
    browser.force_login(make_member(own, "editor", **rights))
    address, form = f"/admin/subscribers/{subscriber.pk}/erase/", {"address": subscriber.email}
    assert NOT_ERASED in messages_of(browser.post(address, form, follow=True))
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()
    registry.disconnect(account)
    assert browser.post(address, form).status_code == 302
    assert not Subscriber.objects.filter(pk=subscriber.pk).exists()
    assert not Customer.objects.exists()


def test_all_mail_is_stopped_and_allowed_again(ada_client: Client, subscriber: Subscriber) -> None:
    """The reason is shown as text."""
    address = f"/admin/subscribers/{subscriber.pk}/suppress/"
    ada_client.post(address, {"why": SCRIPT})
    assert suppression.is_suppressed_everywhere(subscriber.address_key)
    page = ada_client.get(f"/admin/subscribers/{subscriber.pk}/").content.decode()
    assert "is suppressed" in page
    assert SCRIPT not in page
    answer = ada_client.post(address, {"lift": "1"}, follow=True)
    assert "Say why" in messages_of(answer)
    assert suppression.is_suppressed_everywhere(subscriber.address_key)
    ada_client.post(address, {"lift": "1", "reason": f"wrote to us {SCRIPT}"})
    assert AuditEntry.objects.filter(action__contains="wrote to us").exists()
    assert not suppression.is_suppressed_everywhere(subscriber.address_key)


def test_one_publication_silences_nobody_for_another(issue: Issue, subscriber: Subscriber) -> None:
    """Who does not edit every publication suppresses for the newsletters that they edit."""
    other = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    browser = owner_of(issue.newsletter.publication)
    page = f"/admin/subscribers/{subscriber.pk}/"
    answer = browser.post(f"{page}suppress/", {"reason": "by phone"}, follow=True)
    assert f"suppressed for {issue.newsletter.name}" in messages_of(answer)
    assert "no mail is sent to it" in browser.get(page).content.decode()
    row = Suppression.objects.get()
    assert (row.newsletter, row.reason, row.evidence) == (issue.newsletter, "asked", "by phone")
    address = addresses.parse(subscriber.email)
    assert signups.invite(address, [issue.newsletter], via="page", now=NOON) is None
    assert signups.invite(address, [other], via="page", now=NOON)
    form = {"lift": "1", "reason": "wrote to us", "newsletter": other.slug}
    assert browser.post(f"{page}suppress/", form).status_code == 404
    browser.post(f"{page}suppress/", form | {"newsletter": issue.newsletter.slug})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("reason", ["asked", "bounced", "complained"])
@pytest.mark.parametrize("reaches", ["all", "publication", "newsletter", "shared"])
def test_who_lifts_a_suppression_for_all_newsletters(
    issue: Issue, subscriber: Subscriber, reason: str, reaches: str
) -> None:
    """Whoever edits all; of a bounce or complaint, who edits all that the subscriber has."""
    publication = issue.newsletter.publication
    ids = [issue.newsletter_id] if reaches == "newsletter" else []
    member = make_member(None if reaches == "all" else publication, "editor", newsletter_ids=ids)
    if reaches == "shared":
        make_subscription(subscriber, make_newsletter(publication=make_publication(slug="gazette")))
    suppression.suppress(subscriber.address_key, reason=reason, now=NOON)
    page = f"/admin/subscribers/{subscriber.pk}/"
    may_lift = reaches == "all" or (reaches == "publication" and reason != "asked")
    browser = browser_of(member)
    assert ("Remove suppression" in browser.get(page).content.decode()) == may_lift
    answer = browser.post(f"{page}suppress/", {"lift": "1", "reason": "mailbox works"}, follow=True)
    assert Suppression.objects.exists() != may_lift
    assert ("Nothing was removed" in messages_of(answer)) != may_lift
