"""After a restore ids are given again: old links and addresses belong to nobody, for ever.

A savepoint is the dump. What comes after it is rolled back, and the sequences go back to where they
were, as after pg_restore; then other people get the same ids.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.core import addresses, clock, links
from digest.core.errors import LinkGoneError
from digest.inbound import recipients
from digest.inbound.errors import InboundError
from digest.issues.models import Issue
from digest.newsletters import invitations
from digest.newsletters.models import Invitation, Newsletter, Publication
from digest.notices import messages
from digest.notices.models import Notice
from digest.sending import outgoing
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery
from digest.sending.segmentation import segmentation_of
from digest.subscribers.models import AddressChange, Subscriber, Subscription
from digest.webhooks.models import Webhook, WebhookDelivery
from digest.webhooks.payloads import message_id
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_publication
from tests.cast.notices import make_notice
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON

pytestmark = pytest.mark.django_db
DOMAIN = "in.courier.example"
BOUNCES = "bounces.courier.example"
KINDS = ["confirm", "welcome", "link", "change", "changed", "left", "copy"]
STAY = {"unsubscribe", "preferences", "confirm"}  # whoever is in the dump keeps these
FORMS: list[dict[str, Any]] = [
    {"List-Unsubscribe": "One-Click"},
    *({"action": action} for action in ("unsubscribe-all", "feedback", "resubscribe", "download")),
    {"action": "less-often", "cadence": "weekly"},
    {"action": "erase", "sure": "1"},
    {"action": "change", "email": "eve@elsewhere.example"},
    {"action": "profile", "name": "Eve"},
    {"password": "a long password of Eve's"},
]


@pytest.fixture(autouse=True)
def domains(settings: Settings) -> None:
    """Mail is read, and comes back to addresses of their own."""
    settings.DIGEST_INBOUND_DOMAIN, settings.DIGEST_BOUNCE_DOMAIN = DOMAIN, BOUNCES


@dataclass
class House:
    """One publication with a subscriber, and all that is under way to them."""

    publication: Publication
    newsletter: Newsletter  # that they receive
    pending: Newsletter  # that they have asked for
    subscriber: Subscriber
    mails: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    bounces: list[str] = field(default_factory=list)
    ids: dict[str, list[int]] = field(default_factory=dict)

    @property
    def links(self) -> list[str]:
        """The paths of the links in the mails that name somebody or something."""
        named = r"https://digest\.example(/(?:click|issue|unsubscribe|preferences|confirm|change|admin)/[^\s\"<>]+)"
        return sorted({unescape(path) for mail in self.mails for path in re.findall(named, mail)})

    @property
    def addresses(self) -> list[str]:
        """The addresses in the mails that ask for something."""
        named = rf"mailto:((?:unsubscribe|confirm)\+[^\s\"<>?]+@{DOMAIN})"
        return sorted({address for mail in self.mails for address in re.findall(named, mail)})


def publish(name: str) -> tuple[Publication, Newsletter, Newsletter]:
    """Make a publication of this name with two newsletters."""
    publication = make_publication(slug=name, name=name)
    first, second = (
        make_newsletter(
            publication=publication,
            slug=f"{name}-{number}",
            name=f"{name} {number}",
            redirect_links=True,
            cadences=["weekly"],
        )
        for number in range(2)
    )
    return publication, first, second


def settle(
    publication: Publication, first: Newsletter, second: Newsletter, subscriber: Subscriber
) -> House:
    """Let a subscriber receive the first newsletter and ask for the second; write all mails."""
    common = {"subscriber": subscriber, "created_at": NOON}
    Subscription.objects.create(newsletter=first, state="active", confirmed_at=NOON, **common)
    Subscription.objects.create(newsletter=second, state="pending", **common)
    house = House(publication, first, second, subscriber)
    issue = make_issue(first, state=Issue.State.SENDING, planned_at=NOON)
    make_story(issue)
    Delivery.objects.create(issue=issue, subscriber=subscriber, due_at=LONG_AGO)
    _write_issue(house, issue)
    _write_notices(house, issue)
    invitation = Invitation.objects.create(email=subscriber.email, created_at=NOON)
    house.mails.append(invitations.accept_url(invitation))
    webhook = Webhook.objects.create(
        name=publication.slug, url="https://x.example", events=["issue.sent"], created_at=NOON
    )
    webhook_delivery = WebhookDelivery.objects.create(
        webhook=webhook, event="issue.sent", at=NOON, due_at=NOON, newsletter=first, issue=issue
    )
    house.message_ids.append(message_id(webhook_delivery))
    house.ids = {
        model._meta.label: sorted(model._default_manager.values_list("pk", flat=True))
        for model in (Publication, Newsletter, Subscriber, Issue, Notice, AddressChange, Invitation)
    }
    return house


def _write_issue(house: House, issue: Issue) -> None:
    to = outgoing.SingleRecipient.of(house.subscriber, ())
    segmentation = segmentation_of(issue, compiled_for(issue))
    sent = outgoing.compose_message(issue, to, segmentation, NOON)
    house.bounces.append(sent.envelope.sender)
    _read(house, sent.content)


def _write_notices(house: House, issue: Issue) -> None:
    subscriber = house.subscriber
    for kind in KINDS:
        context: dict[str, Any] = {
            "newsletters": [(house.pending if kind == "confirm" else house.newsletter).pk],
            "issue": issue.pk,
        }
        if kind in {"change", "changed"}:
            confirmed = {"former_email": "was@x.example", "confirmed_at": NOON}
            change = AddressChange.objects.create(
                subscriber=subscriber,
                email=subscriber.email,
                address_key=subscriber.address_key,
                requested_at=NOON,
                **(confirmed if kind == "changed" else {}),
            )
            context["change"] = change.pk
        notice = make_notice(house.publication, subscriber, kind=kind, context=context)
        octets = messages.message_of(notice, clock.now())
        assert octets, kind
        _read(house, octets)


def _read(house: House, octets: bytes) -> None:
    mail = message_from_bytes(octets, policy=policy.default)
    house.message_ids.append(str(mail["Message-ID"]))
    house.mails.append(str(mail["List-Unsubscribe"]))
    for part in mail.iter_parts():
        house.mails.append(part.get_content())


@contextmanager
def lost_by_a_restore() -> Iterator[None]:
    """Undo what happens inside, down to the next id of every table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences"
            " WHERE schemaname = 'public'"
        )
        sequences = cursor.fetchall()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        for name, last in sequences:
            cursor.execute("SELECT setval(%s, %s, %s)", [name, last or 1, last is not None])


def person(name: str) -> Subscriber:
    """A subscriber of nothing yet."""
    return make_subscriber(email=f"{name}@reader.example", name=name.title())


def table_rows() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.managed and model._meta.label != "sessions.Session"
    }


def refused(client: Client, path: str, secrets: list[str]) -> None:
    """Open a link and press every button: a kind page each time, which says nothing of anybody."""
    for form in [None] if path.startswith(("/click/", "/issue/")) else [None, *FORMS]:
        answer = client.get(path) if form is None else client.post(path, form)
        page = answer.content.decode()
        assert answer.status_code == 410, (path, form, page)
        assert not answer.cookies or path.startswith("/admin/")
        assert not [secret for secret in secrets if secret in page], (path, form)


@pytest.mark.parametrize("dumped", ["nothing", "newsletters", "everything but the mail"])
def test_old_links_and_addresses_belong_to_nobody(client: Client, dumped: str) -> None:
    """Whoever has their ids now is neither shown nor changed by any link, button or address."""
    User.objects.create_superuser("ada@courier.example")  # without an account all leads to setup
    publication = publish("courier") if dumped != "nothing" else None
    survivor = person("nadia") if dumped == "everything but the mail" else None
    with lost_by_a_restore():
        old = settle(*(publication or publish("lost")), survivor or person("ines"))
    new = settle(*(publication or publish("herald")), survivor or person("zora"))
    assert old.ids == new.ids, "a restore gives the same ids again"
    assert {path.split("/")[1] for path in old.links} == STAY | {
        "admin",
        "change",
        "issue",
        "click",
    }
    valid_paths = {path for path in old.links if survivor and path.split("/")[1] in STAY}
    secrets = [new.subscriber.email, new.subscriber.name, *([] if publication else ["herald"])]
    before = table_rows()
    for path in set(old.links) - valid_paths:
        refused(client, path, secrets)
    for address in [] if survivor else old.addresses:
        with pytest.raises(InboundError):
            recipients.understood(address)
    assert table_rows() == before
    assert not set(old.message_ids) & set(new.message_ids)
    assert not set(old.bounces) & set(new.bounces)
    for path in {*new.links, *valid_paths}:
        assert client.get(path).status_code in {200, 302}, path
    for address in [*new.addresses, *(old.addresses if survivor else [])]:
        recipients.understood(address)


def test_a_bounce_of_an_old_mail_is_nobodys() -> None:
    """Neither another subscriber of the old issue's id nor another issue is blamed for it."""
    with lost_by_a_restore():
        old = settle(*publish("lost"), person("ines"))
    new = settle(*publish("herald"), person("zora"))
    token = old.bounces[0].partition("@")[0].removeprefix("bounce+")
    link = links.read_bounce_token(token)
    issue = Issue.objects.get(pk=link.ids[0])
    assert link.ids == (issue.pk, new.subscriber.pk)
    with pytest.raises(LinkGoneError):
        link.require(issue, new.subscriber)


@pytest.mark.parametrize("survivor", ["subscriber", "newsletter"])
def test_half_a_link_is_not_enough(client: Client, survivor: str) -> None:
    """A subscriber of the dump does not leave a newsletter that came after it, nor the reverse."""
    publication = make_publication()
    first = person("ines") if survivor == "subscriber" else None
    newsletter = make_newsletter(publication=publication) if survivor == "newsletter" else None
    with lost_by_a_restore():
        old = newsletter or make_newsletter(publication=publication)
        token = links.unsubscribe_token(first or person("ben"), old)
    later = newsletter or make_newsletter(publication=publication)
    subscriber = first or person("zora")
    Subscription.objects.create(
        subscriber=subscriber,
        newsletter=later,
        state="active",
        created_at=NOON,
        confirmed_at=NOON,
    )
    assert client.post(f"/unsubscribe/{token}", FORMS[0]).status_code == 410
    assert Subscription.objects.get().state == "active"
    token_of_both = links.unsubscribe_token(subscriber, later)
    assert client.post(f"/unsubscribe/{token_of_both}", FORMS[0]).status_code == 200
    assert Subscription.objects.get().state == "unsubscribed"


def test_every_way_in_gives_a_value_of_its_own() -> None:
    """The database sets it: by the ORM, in bulk, by an import, and by plain SQL."""
    newsletter = make_newsletter()
    make_subscriber()
    Subscriber.objects.bulk_create(
        Subscriber(email=f"{n}@x.example", address_key=f"{n}@x.example", created_at=NOON)
        for n in range(3)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO subscribers_subscriber"
            " (email, address_key, name, language, timezone, created_at)"
            " SELECT n || '@y.example', n || '@y.example', '', '', '', now()"
            " FROM generate_series(1, 3) AS n"
        )
    uuids = list(Subscriber.objects.values_list("uuid", flat=True))
    assert len(set(uuids)) == len(uuids) == 7
    assert {uuid.version for uuid in uuids} == {4}
    assert newsletter.uuid == Newsletter.objects.get(pk=newsletter.pk).uuid


def test_a_lost_address_change_is_not_the_next_one(client: Client) -> None:
    """A link sent to one new mailbox does not confirm another change of the same subscriber."""
    newsletter = make_newsletter()
    subscriber = make_subscriber(newsletter, email="ines@reader.example")

    def change_to(email: str) -> str:
        change = AddressChange.objects.create(
            subscriber=subscriber,
            email=email,
            address_key=addresses.parse(email).key,
            requested_at=NOON,
        )
        return f"/change/{links.sign_rows_until('change', NOON + timedelta(days=1), change)}"

    with lost_by_a_restore():
        old = change_to("token_of_both@reader.example")
    new = change_to("other@reader.example")
    assert client.post(old).status_code == 410
    subscriber.refresh_from_db()
    assert subscriber.email == "ines@reader.example"
    assert client.post(new).status_code == 200
    subscriber.refresh_from_db()
    assert subscriber.email == "other@reader.example"
