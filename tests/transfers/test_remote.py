"""What a service's API has comes as its export does, and its key goes nowhere else."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from digest.core.http import FetchError
from digest.newsletters.models import Newsletter
from digest.subscribers.models import ConsentEvent, Profile, Suppression
from digest.transfers import queue, remote
from digest.transfers.errors import TransferError
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from digest.transfers.remote.client import Client
from tests.cast import NOON
from tests.provider_server import Answer, ProviderServer, Request
from tests.transfers import services
from tests.transfers.test_subscribers import active

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]
OPTIONS = Options(consent="signed up on the site")


Serve = Callable[[services.Script], ProviderServer]


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """Starts a scripted service, to which we may go."""
    with ExitStack() as stack:

        def start(script: services.Script) -> ProviderServer:
            server = stack.enter_context(ProviderServer(lambda _: Answer(404), pages=script))
            settings.DIGEST_FETCH_ALLOW = [server.netloc]
            return server

        yield start


def fetched(tide: Newsletter, service: str, url: str, key: str, **options: Any) -> Transfer:
    """Fetch, read and import by the worker's function."""
    chosen = Options(consent=OPTIONS.consent, **options)
    transfer = queue.add_service(service, url, key, tide, chosen, NOON)
    queue.run_due(NOON)
    transfer.refresh_from_db()
    if transfer.state == Transfer.State.CHECKED:
        assert queue.begin(transfer)
        queue.run_due(NOON)
        transfer.refresh_from_db()
    return transfer


@pytest.mark.parametrize(
    ("service", "script", "key", "expected", "issues"),
    [
        ("listmonk", services.listmonk, services.LISTMONK_KEY, {"confirmed@lm.example"}, 1),
        ("buttondown", services.buttondown, services.BUTTONDOWN_KEY, {"ana@bd.example"}, 1),
        ("beehiiv", services.beehiiv, services.BEEHIIV_KEY, {"active@bh.example"}, 1),
    ],
)
def test_only_who_was_active_comes_in(
    tide: Newsletter,
    serve: Serve,
    service: str,
    script: services.Script,
    key: str,
    expected: set[str],
    issues: int,
) -> None:
    """Page by page; unknown states are skipped, past issues come with their text."""
    transfer = fetched(tide, service, serve(script).url, key)
    assert (transfer.state, transfer.problem) == (Transfer.State.FINISHED, "")
    assert active(tide) == expected
    assert tide.past_issues.count() == issues
    assert ConsentEvent.objects.filter(action="requested", via=service).count() == 1
    assert (transfer.service, bytes(transfer.content), transfer.sealed_key) == (service, b"", "")


def test_ghosts_newsletter_has_to_be_named(tide: Newsletter, serve: Serve) -> None:
    """Where a site has several; only those who get it come in."""
    server = serve(services.ghost)
    transfer = fetched(tide, "ghost", server.url, services.GHOST_KEY)
    assert transfer.state == Transfer.State.FAILED
    assert "“Tide”, “Sport”" in transfer.problem
    transfer = fetched(tide, "ghost", server.url, services.GHOST_KEY, list_name="tide")
    assert active(tide) == {"ana@gh.example"}
    assert Profile.objects.get().tags == ["vip"]
    assert tide.past_issues.get().subject == "Seals return"
    rows = Suppression.objects.order_by("address_key").values_list("address_key", "reason")
    assert list(rows) == [
        ("ben@gh.example", "unsubscribed"),
        ("cid@gh.example", "unsubscribed"),
        ("dee@gh.example", "complained"),
    ]


def test_the_key_is_nowhere_but_in_its_header(
    tide: Newsletter, serve: Serve, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Not in the export, the report, the log, an address, or the row in the clear."""
    server = serve(services.beehiiv)
    waiting = queue.add_service("beehiiv", server.url, services.BEEHIIV_KEY, tide, OPTIONS, NOON)
    assert not [key for key in services.SECRETS if key in str(vars(waiting))]
    waiting.delete()
    transfer = fetched(tide, "beehiiv", server.url, services.BEEHIIV_KEY)
    remote.fetch_all("beehiiv", server.url, services.BEEHIIV_KEY, "", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        contents = " ".join(archive.read(name).decode() for name in archive.namelist())
    traces = f"{vars(transfer)} {contents} {caplog.text} {[row.path for row in server.requests]}"
    assert not [key for key in services.SECRETS if key in traces]


def test_a_key_that_is_refused_is_forgotten(tide: Newsletter, serve: Serve) -> None:
    """The page says so, and the key is deleted."""
    transfer = fetched(tide, "buttondown", serve(services.buttondown).url, "wrong")
    assert transfer.state == Transfer.State.FAILED
    assert transfer.problem == "Buttondown refused the key. Check it, and what it may read."
    assert transfer.sealed_key == ""


@pytest.mark.parametrize(
    ("service", "key", "message"),
    [
        ("ghost", "no colon", "Admin API key"),
        ("ghost", "id:not hexadecimal", "Admin API key"),
        ("listmonk", "token", "NAME:TOKEN"),
        ("beehiiv", "key", "pub_"),
        ("mailchimp", "a", "use a file"),
        ("buttondown", " ", "Enter the key"),
    ],
)
def test_a_key_that_cannot_be_right_is_refused_at_once(
    tide: Newsletter, service: str, key: str, message: str
) -> None:
    """Before anything is stored."""
    with pytest.raises(TransferError, match=message):
        queue.add_service(service, "https://site.example", key, tide, OPTIONS, NOON)
    assert not Transfer.objects.exists()


@pytest.mark.parametrize(
    ("service", "address", "message"),
    [
        ("listmonk", "http://site.example", "https://"),
        ("buttondown", "ftp://site.example", "not a web address"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused_at_once(
    tide: Newsletter, service: str, address: str, message: str
) -> None:
    """A key is never sent over plain HTTP, or to what is not a website."""
    with pytest.raises((TransferError, FetchError), match=message):
        queue.add_service(service, address, "a:b", tide, OPTIONS, NOON)
    assert not Transfer.objects.exists()


def test_a_service_that_is_busy_is_asked_again(serve: Serve) -> None:
    """As late as it says, and not for ever."""
    answers = [Answer(429, b"", {"Retry_After": "7"}), Answer(503, b""), Answer(200, b"[1]")]
    waited: list[float] = []

    def script(_: Request) -> Answer:
        return answers.pop(0) if answers else Answer(429, b"")

    client = Client("Service", serve(script).url, dict, sleep=waited.append)
    assert client.get("x") == [1]
    assert waited == [7.0, 2.0]
    with pytest.raises(FetchError, match="429"):
        client.get("x")
    assert len(waited) == 6


def test_a_private_address_is_not_called(tide: Newsletter) -> None:
    """Unless the operator allows it: the console must not look into their network."""
    transfer = fetched(tide, "listmonk", "http://127.0.0.1:9/", services.LISTMONK_KEY)
    assert "DIGEST_FETCH_ALLOW" in transfer.problem


def test_pages_end(serve: Serve) -> None:
    """A service that says nothing of further pages is asked until one is empty."""
    pages = [b'{"rows": [{"n": 1}]}', b'{"rows": [{"n": 2}, "odd"]}', b'{"rows": []}']
    client = Client("Service", serve(lambda _: Answer(200, pages.pop(0))).url, dict)
    rows = client.pages("x", {}, lambda answer: answer["rows"])
    assert [row["n"] for row in rows] == [1, 2]


def test_progress_is_reported_with_each_call(serve: Serve) -> None:
    """A page may take fifty of them and a service ask us to wait: a lease lasts minutes."""
    answers = [Answer(429, b"", {"Retry_After": "60"}), Answer(200, b"[]"), Answer(200, b"text")]
    shares: list[float] = []
    url = serve(lambda _: answers.pop(0)).url
    client = Client("Service", url, dict, on_progress=shares.append, sleep=lambda _: None)
    client.get("x")
    client.finish_page(20)
    client.text("y")
    assert shares == [0.0, 0.0, 0.5]
