"""Test mails go to the team unless one may send; previews give nobody's rights away."""

import re
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts import tokens
from digest.accounts.models import AuditEntry, User
from digest.accounts.scopes import Scope
from digest.core import links
from digest.issues.models import Issue
from digest.newsletters.models import Member
from digest.subscribers.models import Subscription
from tests.cast import NOON, make_issue, make_member, make_newsletter, make_story, make_subscriber
from tests.cast.accounts import browser_of
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
Relay = Callable[..., SmtpServer]


@pytest.fixture
def issue(settings: Settings) -> Issue:
    """A draft of one story."""
    settings.DIGEST_INBOUND_DOMAIN = "in.courier.example"
    issue = make_issue(make_newsletter(slug="tide"), state="draft")
    make_story(issue)
    return issue


def member(issue: Issue, name: str, role: str = "editor", *, may_send: bool = True) -> User:
    """Somebody of the team of the issue's publication."""
    publication = issue.newsletter.publication
    return make_member(publication, role, email=f"{name}@courier.example", may_send=may_send)


def send(user: User, issue: Issue, to: str) -> str:
    """Press “Send test”; return what the page says then."""
    path = f"/admin/issues/{issue.pk}/test/"
    page = browser_of(user).post(path, {"to": to}, follow=True)
    return page.content.decode()


def recipients(server: SmtpServer) -> list[str]:
    """Whom the mail server got mail for."""
    return [received.recipient for received in server.received]


def test_without_the_right_to_send_tests_go_to_the_team(issue: Issue, relay: Relay) -> None:
    """Members of the publication, of all, and superusers; no stranger, nobody who has left."""
    server = relay()
    eve = member(issue, "eve", may_send=False)
    member(issue, "ben", "analyst")
    User.objects.create_superuser("root@courier.example")
    everywhere = User.objects.create_user("cleo@courier.example", is_staff=True)
    Member.objects.create(user=everywhere, role="analyst", created_at=NOON)
    other_issue = make_issue(make_newsletter())
    member(other_issue, "otto")
    former = member(issue, "gus")
    former.is_active = False
    former.save()
    allowed = ["eve", "BEN", "root", "cleo"]
    for name in allowed:
        assert "A test is on its way" in send(eve, issue, f"{name}@courier.example")
    for address in ("victim@reader.example", "otto@courier.example", "gus@courier.example"):
        page = send(eve, issue, address)
        assert "You can send tests only to members of the team" in page
        assert "A test is on its way" not in page
    assert [address.lower() for address in recipients(server)] == [
        f"{name}@courier.example".lower() for name in allowed
    ]


def test_with_the_right_to_send_they_go_anywhere(issue: Issue, relay: Relay) -> None:
    """As the owner meant it; the audit log names the address."""
    server = relay()
    send(member(issue, "ada"), issue, "printer@elsewhere.example")
    assert recipients(server) == ["printer@elsewhere.example"]
    assert "printer@elsewhere.example" in AuditEntry.objects.latest("pk").action


def test_tests_are_limited_by_person(issue: Issue, relay: Relay, settings: Settings) -> None:
    """Console and API count together; somebody else still has all of theirs."""
    settings.DIGEST_TEST_LIMIT = "2/hour"
    server = relay()
    ada, ben = member(issue, "ada", "owner"), member(issue, "ben")
    for _ in range(2):
        assert "A test is on its way" in send(ada, issue, "ada@courier.example")
    assert "You have sent many tests. Try again in" in send(ada, issue, "ada@courier.example")
    _, secret = tokens.create("robot", ada, [Scope.ISSUES_SEND], now=NOON)
    response = Client().post(
        "/api/v1/newsletters/tide/test",
        {"to": "ada@courier.example"},
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert response.status_code == 409
    assert "You have sent many tests" in response.content.decode()
    assert "A test is on its way" in send(ben, issue, "ben@courier.example")
    assert len(server.received) == 3


def test_a_wrong_limit_is_named(issue: Issue, relay: Relay, settings: Settings) -> None:
    """What cannot be counted is not sent, and the page says which setting is wrong."""
    server = relay()
    ada = member(issue, "ada")
    settings.DIGEST_TEST_LIMIT = "x"
    assert "DIGEST_TEST_LIMIT" in send(ada, issue, "ada@courier.example")
    assert server.received == []


@pytest.mark.parametrize("kind", ["html", "text", "source"])
def test_links_in_a_preview_are_nobodys(issue: Issue, client: Client, kind: str) -> None:
    """Ines's stories and address, but no link in body or head that leaves or changes for her."""
    ines = make_subscriber(issue.newsletter, email="ines@reader.example")
    eve = browser_of(member(issue, "eve"))
    path = f"/admin/issues/{issue.pk}/preview/{kind}/?subscriber=ines@reader.example"
    text = eve.get(path).content.decode().replace("=\r\n", "").replace("=3D", "=")
    assert "ines@reader.example" in text
    tokens_in_text = set(re.findall(r"/(unsubscribe|preferences)/([\w-]+)", text))
    assert {name for name, _ in tokens_in_text} == {"unsubscribe", "preferences"}
    for name, token in tokens_in_text:
        page = client.get(f"/{name}/{token}").content.decode()
        assert "ines" not in page
        client.post(f"/{name}/{token}", {"List-Unsubscribe": "One-Click"})
    for token in re.findall(r"unsubscribe\+([\w-]+)@", text):
        assert links.read_unsubscribe_token(token).subscriber == 0
    subscription = Subscription.objects.get(subscriber=ines)
    assert subscription.state == Subscription.State.ACTIVE


def test_looking_as_a_subscriber_is_recorded(issue: Issue) -> None:
    """Who looked, at which issue, as whom; a look without a subscriber is none."""
    make_subscriber(issue.newsletter, email="ines@reader.example")
    eve = member(issue, "eve")
    path = f"/admin/issues/{issue.pk}/preview/html/"
    browser_of(eve).get(path)
    assert not AuditEntry.objects.exists()
    browser_of(eve).get(f"{path}?subscriber=ines@reader.example")
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.target) == (eve, "ines@reader.example")
    assert entry.action == f"previewed issue {issue.pk} as a subscriber"
    assert entry.publication_id == issue.newsletter.publication_id


def test_a_test_to_a_subscriber_has_nobodys_links(issue: Issue, relay: Relay) -> None:
    """It may be forwarded in the newsroom; whoever has it cannot unsubscribe Ines."""
    server = relay()
    make_subscriber(issue.newsletter, email="ines@reader.example")
    send(member(issue, "ada"), issue, "ines@reader.example")
    message = message_from_bytes(server.received[0].data, policy=policy.default)
    token = re.search(r"/unsubscribe/([\w-]+)", message["List-Unsubscribe"])
    assert token
    assert links.read_unsubscribe_token(token[1]).subscriber == 0
