"""Google Postmaster Tools and Microsoft SNDS, against scripted servers."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client

from digest.core.errors import DigestError
from digest.newsletters.models import Publication
from digest.reputation.models import ServiceConnection, ServiceReading
from digest.reputation.services import collecting, connecting
from tests.cast import NOON, make_newsletter, newest_publication
from tests.cast.accounts import make_superuser
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db
TODAY = {"year": NOON.year, "month": NOON.month, "day": NOON.day}
LINE = (
    "192.0.2.7,11/21/2026 1:00:00 AM,11/21/2026 11:00:00 PM,900,890,880,{color},{rate},,,{traps},"
    "mail.courier.example,news@courier.example,\r\n"
)
PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}


class Provider:
    """A server that answers by path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        """Answer in order; the last answer again and again."""
        self.requests.append(request)
        path = next((path for path in self.answers if path in request.path), "")
        answers = self.answers.get(path, [Answer(404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def provider(settings: Any) -> Iterator[tuple[Provider, str]]:
    """Both services at one address."""
    make_newsletter()
    provider = Provider()
    with ProviderServer(provider, pages=provider) as server:
        url = server.url.rstrip("/")
        settings.DIGEST_FETCH_ALLOW = [server.netloc]
        yield provider, url


def key_file(url: str) -> str:
    """The key file of a service account, whose tokens come from the scripted server."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {"client_email": "a@b.example", "private_key": pem, "token_uri": f"{url}/token"}
    )


def stat(metric: str, value: float) -> dict[str, Any]:
    """A number of Google's for today."""
    return {"metric": metric, "date": TODAY, "value": {"doubleValue": value}}


def test_gmail_is_read_page_by_page(provider: tuple[Provider, str]) -> None:
    """Shares by day, and the requirements that are not met; twice gives the same."""
    server, url = provider
    server.answers = {
        "/token": [Answer.of({"access_token": "t1"})],
        "domainStats:query": [
            Answer.of({"domainStats": [stat("spam_share", 0.002)], "nextPageToken": "p2"}),
            Answer.of({"domainStats": [stat("dkim_share", 0.99), stat("error_share", 0.5)]}),
        ],
        "complianceStatus": [
            Answer.of(
                {
                    "complianceData": {
                        "rowData": [
                            {
                                "requirement": "ONE_CLICK_UNSUBSCRIBE",
                                "status": {"status": "NEEDS_WORK"},
                            },
                            {"requirement": "SPF", "status": {"status": "COMPLIANT"}},
                        ]
                    },
                    "subdomainComplianceData": {
                        "rowData": [
                            {"requirement": requirement, "status": {"status": "NEEDS_WORK"}}
                            for requirement in ("ONE_CLICK_UNSUBSCRIBE", "DNS_RECORDS")
                        ]
                    },
                }
            )
        ],
    }
    row = connecting.connect("postmaster", key_file(url), NOON, address=url)
    assert "private_key" not in row.sealed_secret
    assert collecting.collect(row, NOON) == 1
    reading = ServiceReading.objects.get()
    assert (reading.subject, reading.day) == ("courier.example", NOON.date())
    assert (reading.spam_share, reading.dkim_share, reading.error_share) == (0.002, 0.99, 0.5)
    row.refresh_from_db()
    assert row.unmet == ["courier.example: one click unsubscribe", "courier.example: dns records"]
    questions = [request for request in server.requests if "domainStats" in request.path]
    assert questions[0].headers["Authorization"] == "Bearer t1"
    assert questions[0].json["aggregationGranularity"] == "DAILY"
    assert questions[1].json["pageToken"] == "p2"
    collecting.collect(row, NOON)
    assert ServiceReading.objects.count() == 1


def test_a_domain_that_is_not_verified_is_named(provider: tuple[Provider, str]) -> None:
    """Beside one that has no numbers yet, which is not a failure."""
    server, url = provider
    Publication.objects.update(sender_email="news@quiet.example")
    make_newsletter()
    Publication.objects.filter(pk=newest_publication()).update(sender_email="news@strange.example")
    server.answers = {
        "/token": [Answer.of({"access_token": "t"})],
        "quiet.example": [Answer.of({})],
        "strange.example": [Answer(403)],
    }
    row = connecting.connect("postmaster", key_file(url), NOON, address=url)
    assert collecting.collect(row, NOON) == 0
    row.refresh_from_db()
    assert row.problem == ""
    assert row.unmet == [
        "strange.example: verified in Postmaster Tools, with this account as a user"
    ]
    server.answers["quiet.example"] = [Answer(404)]
    with pytest.raises(DigestError, match=r"does not show quiet.example, strange.example to this"):
        collecting.collect(row, NOON)


def test_numbers_are_stored_without_requirements(provider: tuple[Provider, str]) -> None:
    """Where the account may not see which are met."""
    server, url = provider
    server.answers = {
        "/token": [Answer.of({"access_token": "t"})],
        "domainStats": [Answer.of({"domainStats": [stat("spam_share", 0.002)]})],
        "complianceStatus": [Answer(403)],
    }
    row = connecting.connect("postmaster", key_file(url), NOON, address=url)
    assert collecting.collect(row, NOON) == 1
    row.refresh_from_db()
    assert (row.problem, row.unmet) == ("", [])


def test_a_refresh_token_does_as_well(provider: tuple[Provider, str]) -> None:
    """For those who consented themselves."""
    server, url = provider
    server.answers = {"/token": [Answer.of({"access_token": "t"})], "domainStats": [Answer.of({})]}
    server.answers["complianceStatus"] = [Answer.of({})]
    secret = json.dumps(PERSON | {"token_uri": f"{url}/token"})
    row = connecting.connect("postmaster", secret, NOON, address=url)
    assert collecting.collect(row, NOON) == 0


@pytest.mark.parametrize(
    ("kind", "answer", "text"),
    [
        ("postmaster", Answer(403), "Add and verify the domains in Postmaster Tools"),
        ("postmaster", Answer(429), "ask too often"),
        ("postmaster", Answer(200, b"<html>"), "did not answer in JSON"),
        ("postmaster", Answer.of({"domainStats": [{"metric": "x"}]}), "a form that is not known"),
        ("snds", Answer(404), "refuses the key (404)"),
        ("snds", Answer(500), "answers with an error (500)"),
        ("snds", Answer(200, b"<html>sign in"), "Enable automated data access"),
        ("snds", Answer(200, b"x" * 140_000), "cannot be read: field larger than field limit"),
    ],
)
def test_failures_say_what_to_do(
    provider: tuple[Provider, str], kind: str, answer: Answer, text: str
) -> None:
    """They are stored, without the key, and the next attempt waits."""
    server, url = provider
    server.answers = {"/token": [Answer.of({"access_token": "t"})], "/": [answer]}
    secret = key_file(url) if kind == "postmaster" else "s3cret-key"
    row = connecting.connect(kind, secret, NOON, address=f"{url}/data")
    with pytest.raises(DigestError, match=re.escape(text)):
        collecting.collect(row, NOON)
    row.refresh_from_db()
    assert text in row.problem
    assert "s3cret" not in row.problem
    assert row.due_at > NOON
    assert collecting.collect_due(NOON) == 0


def test_a_key_that_is_none_is_refused() -> None:
    """Before anything is asked, or when it is."""
    with pytest.raises(DigestError, match="Key is missing"):
        connecting.connect("snds", " ", NOON)
    row = connecting.connect("postmaster", "no JSON", NOON)
    with pytest.raises(DigestError, match="key file is not that of a service account"):
        collecting.collect(row, NOON)


def test_outlook_is_read_by_address(provider: tuple[Provider, str]) -> None:
    """Colour, complaints and traps; lines that say nothing are left out."""
    server, url = provider
    strange = LINE.format(color="red", rate="1.2.3%", traps=1)
    lines = f"nonsense\r\n,,\r\n{strange}" + LINE.format(color="YELLOW", rate="< 0.1%", traps=3)
    server.answers = {"/data": [Answer(200, lines.encode())]}
    row = connecting.connect("snds", "a key&b", NOON, address=f"{url}/data")
    assert collecting.collect(row, NOON) == 1
    reading = ServiceReading.objects.get()
    assert (reading.subject, str(reading.day), reading.mails) == ("192.0.2.7", "2026-11-21", 880)
    assert (reading.color, reading.spam_share, reading.trap_hits) == ("yellow", 0.001, 3)
    assert server.requests[0].path == "/data?key=a%20key%26b"


def test_a_number_beyond_belief_is_left_out(provider: tuple[Provider, str]) -> None:
    """The database takes none above two thousand millions."""
    server, url = provider
    line = LINE.format(color="red", rate="0.5%", traps="9" * 10)
    server.answers = {"/data": [Answer(200, line.encode())]}
    row = connecting.connect("snds", "k", NOON, address=f"{url}/data")
    assert collecting.collect(row, NOON) == 1
    reading = ServiceReading.objects.get()
    assert (reading.trap_hits, reading.spam_share) == (None, 0.005)


def test_private_addresses_are_not_asked() -> None:
    """Whatever somebody enters."""
    row = connecting.connect("snds", "k", NOON, address="http://127.0.0.1:1/data")
    with pytest.raises(DigestError, match="cannot be reached"):
        collecting.collect(row, NOON)


def test_the_page_connects_and_shows(client: Client, provider: tuple[Provider, str]) -> None:
    """A key is never shown again."""
    server, url = provider
    client.force_login(make_superuser())
    page = "/admin/deliverability/services/"
    assert client.post(f"{page}snds/connect/", {"snds-secret": ""}).status_code == 422
    assert client.post(f"{page}snds/connect/", {"snds-secret": "s3cret"}).status_code == 302
    ServiceConnection.objects.update(address=f"{url}/data")
    line = LINE.format(color="RED", rate="< 0.3%", traps=3)
    server.answers = {"/data": [Answer(200, line.encode())]}
    assert client.post(f"{page}snds/test/").status_code == 302
    ServiceReading.objects.create(
        kind="postmaster", subject="courier.example", day=NOON.date(), spam_share=0.004
    )
    text = client.get(page).content.decode()
    assert "Red" in text
    assert "0.4 %" in text
    assert "s3cret" not in text
    server.answers = {"/data": [Answer(403)]}
    client.post(f"{page}snds/test/")
    assert "refuses the key (403)" in client.get("/admin/").content.decode()
    assert client.post(f"{page}snds/remove/").status_code == 302
    assert not ServiceConnection.objects.exists()
    assert client.post(f"{page}other/test/").status_code == 404
