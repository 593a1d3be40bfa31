"""Webhooks, added, tried, enabled and removed in the console."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import AuditEntry
from digest.newsletters.models import Publication
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook
from tests.cast import NOON, make_publication
from tests.provider_server import Answer, ProviderServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def listener(settings: Settings) -> Iterator[ProviderServer]:
    """A server on this machine, which the operator has excepted."""
    server = ProviderServer(lambda _request: Answer(204, b""))
    settings.DIGEST_WEBHOOK_ALLOW = [server.netloc]
    with server:
        yield server


def form(publication: Publication, **other: object) -> dict[str, object]:
    """The form as it is sent."""
    fields = {"name": "crm", "url": "https://crm.example/webhook", "events": list(Event)}
    return fields | {"publication": publication.pk} | other


def test_a_webhook_is_added_tried_and_removed(
    owner: Client, courier: Publication, listener: ProviderServer
) -> None:
    """Its secret is shown once, and each deed is in the audit log."""
    page = owner.post("/admin/webhooks/add/", form(courier, url=listener.url)).content.decode()
    [secret] = re.findall(r'value="(whsec_[^"]+)"', page)
    assert secret not in owner.get("/admin/webhooks/").content.decode()
    webhook = Webhook.objects.get()
    assert webhook.publication == courier
    tried = owner.post(f"/admin/webhooks/{webhook.pk}/test/", follow=True)
    assert [str(message) for message in tried.context["messages"]] == [
        "Test sent: crm answered 204."
    ]
    assert listener.requests[0].json["type"] == "test"
    owner.post(f"/admin/webhooks/{webhook.pk}/remove/")
    assert not Webhook.objects.exists()
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == [
        f"added a webhook for {', '.join(Event)}",
        "tested a webhook",
        "removed a webhook",
    ]


def test_one_that_was_disabled_stands_on_home_until_it_is_enabled(
    owner: Client, courier: Publication
) -> None:
    """With why."""
    owner.post("/admin/webhooks/add/", form(courier))
    Webhook.objects.update(disabled_at=NOON, failures=20, note="It said 410.")
    assert "It said 410." in owner.get("/admin/").content.decode()
    assert "It said 410." in owner.get("/admin/webhooks/").content.decode()
    owner.post(f"/admin/webhooks/{Webhook.objects.get().pk}/enable/")
    assert Webhook.objects.get().disabled_at is None
    assert "It said 410." not in owner.get("/admin/").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "CRM"},
        {"name": "taken"},
        {"url": "http://crm.example/"},
        {"url": "https://10.0.0.1/"},
        {"url": "https://me:secret@crm.example/"},
        {"url": "javascript:alert(1)"},
        {"url": "https://[::1"},
        {"events": []},
        {"events": ["king.crowned"]},
        {"publication": "x"},
    ],
)
def test_rubbish_adds_none_and_keeps_what_was_typed(
    owner: Client, courier: Publication, wrong: dict[str, object]
) -> None:
    """It says what is wrong, where."""
    owner.post("/admin/webhooks/add/", form(courier, name="taken"))
    answer = owner.post("/admin/webhooks/add/", form(courier) | wrong)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert "secret" not in answer.context
    assert [webhook.name for webhook in Webhook.objects.all()] == ["taken"]


def test_nobody_adds_one_that_receives_more(owner: Client) -> None:
    """Than they reach themselves."""
    other = make_publication(slug="gazette")
    for pk in ("", str(other.pk)):
        owner.post("/admin/webhooks/add/", {**form(other), "publication": pk})
    assert not Webhook.objects.exists()
