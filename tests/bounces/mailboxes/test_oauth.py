"""A mailbox that takes access tokens: a real Dovecot, and a scripted server that gives them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from digest.bounces.mailboxes import oauth, polling, registry
from digest.bounces.mailboxes.address import parse_address, write_address
from digest.bounces.mailboxes.errors import MailboxError
from digest.bounces.models import Bounce
from digest.core import clock
from tests.bounces.factories import make_sent
from tests.bounces.mailboxes.conftest import Dovecot
from tests.bounces.mailboxes.test_polling import bounce_of
from tests.bounces.shapes import ADDRESS
from tests.cast import make_newsletter, make_subscriber
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db


class Provider:
    """Gives access tokens for refresh tokens, and tells Dovecot whose they are."""

    def __init__(self) -> None:
        self.refused = ""  # an error of RFC 6749 §5.2
        self.rotates = False  # each refresh gives the next refresh token
        self.requests: list[dict[str, str]] = []
        self.access_token = "access-1"

    def give_token(self, request: Request) -> Answer:
        """Answer at the token endpoint."""
        form = {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
        self.requests.append(form)
        if self.refused:
            return Answer.of({"error": self.refused, "error_description": "secret prose"}, 400)
        token = {"access_token": self.access_token, "expires_in": 3599, "token_type": "Bearer"}
        if self.rotates:
            token["refresh_token"] = f"refresh-{len(self.requests) + 1}"
        return Answer.of(token)

    def name_owner(self, request: Request) -> Answer:
        """Answer Dovecot, which appends the token to its address."""
        if request.path.endswith("access_token=access-1"):
            return Answer.of({"email": "bounces"})
        return Answer.of({"error": "invalid"}, 401)


@pytest.fixture
def provider(dovecot: Dovecot) -> Iterator[Provider]:
    """A provider that Dovecot believes."""
    provider = Provider()
    oauth._tokens.clear()
    with ProviderServer(provider.give_token, pages=provider.name_owner, port=dovecot.tokens):
        yield provider


def url_of(dovecot: Dovecot, **options: str) -> str:
    """The address of a mailbox that takes the provider's tokens."""
    token_url = f"http://127.0.0.1:{dovecot.tokens}/token"
    query = {"oauth": token_url, "client_id": "digest", "refresh_token": "refresh-1"} | options
    return f"imap://bounces@127.0.0.1:{dovecot.imap}?{urlencode(query)}"


def test_a_mailbox_is_polled_with_access_tokens(dovecot: Dovecot, provider: Provider) -> None:
    """One token serves many polls."""
    subscriber = make_subscriber(make_newsletter(), email=ADDRESS)
    dovecot.deliver("bounces", bounce_of(make_sent(subscriber), subscriber))
    mailbox = registry.add("main", url_of(dovecot, client_secret="s&c=ret"), clock.now())
    for _ in range(2):
        assert polling.poll(mailbox, clock.now()).problem == ""
    assert Bounce.objects.get().reason == "userunknown"
    assert dovecot.messages("bounces") == []
    [form] = provider.requests
    assert form == {
        "grant_type": "refresh_token",
        "client_id": "digest",
        "client_secret": "s&c=ret",
        "refresh_token": "refresh-1",
    }


def test_the_next_refresh_token_is_stored(dovecot: Dovecot, provider: Provider) -> None:
    """Where each use gives the next; and the access token is used on."""
    provider.rotates = True
    mailbox = registry.add("main", url_of(dovecot), clock.now())
    for _ in range(3):
        mailbox.refresh_from_db()
        assert polling.poll(mailbox, clock.now()).problem == ""
    grant = registry.address_of(mailbox).grant
    assert grant is not None
    assert grant.refresh_token == "refresh-2"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("error", "advice"),
    [("invalid_grant", "get a new one"), ("invalid_client", "Check client_id"), ("odd", "Check")],
)
def test_a_refused_refresh_token_says_what_to_do(
    dovecot: Dovecot, provider: Provider, error: str, advice: str
) -> None:
    """And no secret, nor the provider's prose."""
    provider.refused = error
    mailbox = registry.add("main", url_of(dovecot), clock.now())
    problem = polling.poll(mailbox, clock.now()).problem
    assert advice in problem
    assert "refresh-1" not in problem
    assert "prose" not in problem
    assert "refresh-1" not in registry.describe(mailbox)
    assert "refresh-1" not in repr(registry.address_of(mailbox))


def test_a_refused_access_token_is_not_used_again(dovecot: Dovecot, provider: Provider) -> None:
    """The server answers with a challenge, which is not taken for a question."""
    provider.access_token = "forged"
    mailbox = registry.add("main", url_of(dovecot), clock.now())
    assert "refuses the token for bounces" in polling.poll(mailbox, clock.now()).problem
    provider.access_token = "access-1"
    assert polling.poll(mailbox, clock.now()).problem == ""
    assert len(provider.requests) == 2


@contextmanager
def _answering(answer: Answer) -> Iterator[oauth.Grant]:
    oauth._tokens.clear()
    with ProviderServer(lambda _request: answer) as server:
        yield oauth.Grant(f"{server.url}token", "digest", refresh_token="r")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(302, b"", {"Location": "https://elsewhere.example/"}),
        Answer.of(["access_token"]),
        Answer.of({"access_token": 7}),
        Answer.of({"access_token": "x", "expires_in": "soon"} | {"x": "y" * 200_000}),
    ],
)
def test_odd_answers_are_errors(answer: Answer) -> None:
    """HTML, a redirect, other shapes, and an answer without end."""
    with _answering(answer) as grant, pytest.raises(MailboxError, match="gives no token"):
        oauth.access_token(grant)


def test_an_application_signs_in_by_itself() -> None:
    """Microsoft's client credentials: no refresh token, and a scope."""
    url = write_address(
        "imaps",
        "outlook.office365.com",
        "returns@news.example",
        "",
        oauth_options={
            "oauth": "microsoft",
            "tenant": "news.example",
            "client_id": "c",
            "client_secret": "s",
        },
    )
    grant = parse_address(url).grant
    assert grant is not None
    assert urlsplit(grant.token_url).path == "/news.example/oauth2/v2.0/token"
    assert grant.fields["grant_type"] == "client_credentials"
    assert grant.scope == "https://outlook.office365.com/.default"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("imaps://k@imap.x.example?oauth=google&client_id=c", "refresh_token or client_secret"),
        ("imaps://k:p@imap.x.example?oauth=google&client_id=c&refresh_token=r", "use imaps://"),
        ("imaps://k@imap.x.example?client_id=c&refresh_token=r", "oauth=google"),
        ("pop3s://k@pop.x.example?oauth=google&client_id=c&refresh_token=r", "IMAP only"),
        ("imaps://k@imap.x.example?oauth=http://x.example/&client_id=c&refresh_token=r", "https"),
        (
            "imaps://k@x.example?oauth=microsoft&client_id=c&refresh_token=r&tenant=a/b",
            "directory's id",
        ),
    ],
)
def test_an_address_that_cannot_work_is_refused(url: str, problem: str) -> None:
    """With what to do, before anything is stored."""
    with pytest.raises(MailboxError, match=problem) as caught:
        parse_address(url)
    assert quote("refresh_token=r") not in str(caught.value)
