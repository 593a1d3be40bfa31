"""The first page, pages of errors, health, and what every page keeps to."""

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from django.urls import path

from digest.accounts.models import User
from digest.web import health
from digest.web.urls import urlpatterns as pages
from tests.cast import make_newsletter

pytestmark = pytest.mark.django_db


def _broken(_request: object) -> None:
    raise ZeroDivisionError


urlpatterns = [*pages, path("broken", _broken)]  # type: ignore[arg-type]


def test_home_lists_open_newsletters(client: Client) -> None:
    """Newsletters that anybody may subscribe to are listed with their archive, others are not."""
    newsletter = make_newsletter(name="Morning & Tide")
    make_newsletter(name="Asleep", state="closed")
    page = client.get("/").content.decode()
    assert "Morning &amp; Tide" in page
    assert f'href="/archive/{newsletter.slug}"' in page
    assert "Asleep" not in page


def test_empty_home_says_what_to_do(client: Client) -> None:
    """While nobody has an account it leads to the setup; afterwards it is not blank."""
    assert client.get("/")["Location"] == "/admin/setup/account/"
    User.objects.create_user("ada@courier.example", "x")
    assert "digest newsletter add" in client.get("/").content.decode()


@pytest.mark.parametrize("address", ["/", "/nowhere", "/unsubscribe/x"])
def test_every_page_has_the_strict_policy(client: Client, address: str) -> None:
    """No page may run or load what is not ours, and none carries script or inline style."""
    User.objects.create_user("ada@courier.example", "x")
    answer = client.get(address)
    body = answer.content.decode()
    assert body
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in body
    assert "style=" not in body
    assert "<style" not in body


@override_settings(ROOT_URLCONF=__name__)
def test_broken_page_is_kind(client: Client) -> None:
    """An error of ours shows a page without its innards."""
    client.raise_request_exception = False
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_site_css_is_served(client: Client) -> None:
    """The style sheet that pages name is there."""
    answer = client.get("/static/web/site.css")
    assert answer.status_code == 200
    assert b"--accent" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_healthz_is_up(client: Client) -> None:
    """The process answers."""
    assert client.get("/healthz").status_code == 200


def test_readyz_reaches_both(client: Client) -> None:
    """With PostgreSQL and Valkey there, the installation is ready."""
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "problems": {}, "degraded": {}}


@override_settings(DIGEST_REDIS_URL="redis://127.0.0.1:1")
def test_readyz_names_what_pages_do_without(client: Client) -> None:
    """Without Valkey every page is served; its address is not told."""
    answer = client.get("/readyz")
    assert answer.status_code == 200
    degraded = {"valkey": "cannot be reached"}
    assert answer.json() == {"ready": True, "problems": {}, "degraded": degraded}
    assert client.get("/").status_code == 302


def test_readyz_refuses_an_older_database_but_serves_from_a_newer_one(client: Client) -> None:
    """No load balancer sends people to a process that cannot read its tables.

    While the next version is brought in, this one goes on with what it has migrated.
    """
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sending", "0001_initial")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "Run `digest migrate`." in answer.json()["problems"]["database"]
    recorder.record_applied("sending", "0001_initial")
    recorder.record_applied("sending", "0099_from_tomorrow")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert "newer than this code" in answer.json()["degraded"]["database"]


def test_readyz_says_that_the_database_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever psycopg says stays in the log."""

    def fail() -> None:
        raise OperationalError("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr(health, "compare_schema", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"database": "cannot be reached"}


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_probes_may_use_the_address_of_the_machine(client: Client, address: str) -> None:
    """Behind a real name DIGEST_ALLOWED_HOSTS holds only that; any other page is refused."""
    assert client.get(address, HTTP_HOST="10.1.2.3:8000").status_code == 200
    assert client.get("/", HTTP_HOST="10.1.2.3:8000").status_code == 400
