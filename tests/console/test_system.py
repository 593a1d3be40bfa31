"""The operators' page of the console."""

import json
from collections.abc import Iterator

import pytest
import redis
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.console.templatetags.console import with_code
from digest.core import clock
from digest.core.telemetry import reporting
from digest.core.telemetry.reporting import Reporter
from digest.installation.models import Hold
from digest.newsletters.models import Member
from tests.cast import make_newsletter
from tests.ports import reserve_port

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


@pytest.fixture
def operator(client: Client) -> Client:
    """Who owns all publications."""
    client.force_login(User.objects.create_superuser("ada@courier.example", "x"))
    return client


@pytest.fixture
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    """A Valkey in which nobody has reported."""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as server:
        server.delete(reporting.PROCESSES)
        yield server
        server.delete(reporting.PROCESSES)


def text_of(client: Client, address: str = "/admin/system/") -> str:
    """Return a page."""
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_processes_and_services(operator: Client, valkey: redis.Redis) -> None:
    """A machine whose disk is nearly full, whose clock is wrong and whose version is another."""
    Reporter("worker").report()
    [entry] = valkey.hvals(reporting.PROCESSES)
    other = {"host": "second.example", "version": "99.0.0", "free": 1000, "clock": 61.5}
    valkey.hset(reporting.PROCESSES, "second:1", json.dumps(json.loads(entry) | other))
    text = text_of(operator)
    for text_part in (
        "second.example",
        "Nearly full",
        "61.5 s off",
        "Several versions run",
        "99.0.0",
    ):
        assert text_part in text
    assert "up to date" in text
    assert "No beat runs" in text


def test_it_says_what_is_away(operator: Client, settings: Settings) -> None:
    """Without Valkey the page still opens."""
    settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{reserve_port()}/0"
    text = text_of(operator)
    assert "Valkey cannot be reached, so it is not known which processes run." in text
    assert "Away" in text


def test_the_checks_of_the_doctor_run_on_request(operator: Client) -> None:
    """As a part of the page, and as a whole page without JavaScript; failures come first."""
    Hold.objects.create(reason=Hold.Reason.REQUESTED, began_at=clock.now())
    part = operator.get("/admin/system/checks/", headers={"HX-Request": "true"}).content.decode()
    whole = text_of(operator, "/admin/system/checks/")
    assert "<html" not in part
    assert "<html" in whole
    for text in (part, whole):
        assert text.index("Mail is held") < text.index("The database is up to date.")


def test_only_who_owns_every_publication_may_see_it(client: Client) -> None:
    """An owner of one publication is refused, and has no link to it."""
    user = User.objects.create_user("eve@courier.example", "x", is_staff=True)
    publication = make_newsletter().publication
    Member.objects.create(user=user, publication=publication, role="owner", created_at=clock.now())
    client.force_login(user)
    assert client.get("/admin/system/").status_code == 403
    assert client.get("/admin/system/checks/").status_code == 403
    assert "/admin/system/" not in text_of(client, "/admin/")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Start one with `digest worker`.", "Start one with <code>digest worker</code>."),
        ("`{0}` <b> {1}", "<code>{0}</code> &lt;b&gt; {1}"),
        ("one ` alone <b>", "one ` alone &lt;b&gt;"),
    ],
)
def test_commands_are_shown_as_code(text: str, html: str) -> None:
    """What stands between backticks; everything is escaped."""
    assert with_code(text) == html
