"""Connections by API: created with their secret, watched, deleted."""

import json
import secrets

import pytest
from django.test import Client

from digest.api.models import IdempotentResponse
from digest.connectors.models import Connection
from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.webhooks import signing
from tests.api.conftest import Caller
from tests.cast import make_newsletter

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]
BODY = {"publication": "courier", "name": "our-site", "kind": "webhook"}


def test_a_connection_is_created_called_watched_and_deleted(
    caller: Caller, client: Client, tide: Newsletter
) -> None:
    """Its calls are signed with the secret, which is in one answer only."""
    make_newsletter(slug="flood", publication=tide.publication)
    created = caller.json("POST", "/connections", BODY | {"newsletters": ["tide"]}, key="k")
    assert created["secret"].startswith("whsec_")
    assert not IdempotentResponse.objects.exists()
    assert [row.slug for row in Newsletter.objects.filter(sources__isnull=False)] == ["tide"]
    path = f"/connections/{created['id']}"
    assert "secret" not in caller.json("GET", path)
    article = {"url": "https://courier.example/seals", "title": "Seals return"}
    body = json.dumps({"type": "article.published", "data": article}).encode()
    message_id = f"msg_{secrets.token_hex(8)}"
    headers = signing.headers(created["secret"], message_id, int(clock.now().timestamp()), body)
    address = created["address"].removeprefix("https://digest.example")
    answer = client.post(address, body, content_type="application/json", headers=headers)
    assert answer.status_code == 202, answer.content
    (event,) = caller.json("GET", f"{path}/events")["items"]
    assert event["title"] == "Seals return"
    assert caller.json("GET", "/connections")["items"][0]["waiting"] == 1
    assert caller("DELETE", path).status_code == 204
    assert client.post(address, body, "application/json", headers=headers).status_code == 401
    assert not Connection.objects.exists()


def test_what_cannot_be_is_refused(caller: Caller, tide: Newsletter) -> None:
    """A name in use is a conflict, and so is a repeat; what cannot be is a 422."""
    make_newsletter(slug="ebb")
    for fields in (
        {"name": "Our site"},
        {"kind": "wordpress"},
        {"newsletters": ["ebb"]},
        {"site_url": "https://site.example"},
        {"site_url": "https://site.example", "key": "k"},
    ):
        assert caller("POST", "/connections", BODY | fields).status_code == 422, fields
    assert not Connection.objects.exists()
    created = caller.json("POST", "/connections", BODY, key="k")
    assert caller("POST", "/connections", BODY, key="k").status_code == 409
    assert caller("POST", f"/connections/{created['id']}/fetch").status_code == 409
    silent = {"name": "blog", "kind": "ghost", "site_url": "http://127.0.0.1:9", "key": "k"}
    assert caller("POST", "/connections", BODY | silent).status_code == 409  # it does not answer
