"""Who may do what: every address of the console, walked in every role."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.plugin import DjangoDbBlocker

from digest.accounts.models import AuditEntry, User
from digest.articles.models import Article, Source
from digest.bulk.models import BulkChange
from digest.connectors import registry as connections
from digest.connectors.models import Connection
from digest.console.issues import actions
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, Member, Newsletter, Publication, Role
from digest.newsletters.signup_forms.models import SignUpForm
from digest.pictures.models import Picture
from digest.series.models import Series, Step
from digest.subscribers import attributes
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from digest.webhooks import registry
from digest.webhooks.models import Webhook
from tests.cast.accounts import browser_of
from tests.cast.articles import make_article, make_source
from tests.cast.bulk import make_bulk_change
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_appeal, make_newsletter, make_signup_form
from tests.cast.pictures import make_picture
from tests.cast.series import make_series
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.shared_rows import shared_rows

pytestmark = pytest.mark.django_db


class Page(NamedTuple):
    """An address of the console, and the right that it says it takes."""

    address: str
    right: Right | None


def pages_of(patterns: list[Any], before: str = "") -> list[Page]:
    """Walk the addresses."""
    pages = []
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            pages += pages_of(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern):
            pages.append(Page("/" + address, getattr(pattern.callback, "right", None)))
    return pages


def filled(address: str, number: int = 1) -> str:
    """Fill in an address so that it can be asked for."""
    for part, value in {
        "<int:pk>": str(number),
        "<int:newsletter>": str(number),
        "<int:issue_id>": str(number),
        "<int:block>": "0",
        "<int:link>": "1",
        "<int:publication>": str(number),
        "<int:appeal>": str(number),
        "<slug:card>": "name",
        "<slug:verb>": "undo",
        "<slug:kind>": "html",
        "<path:object_id>": str(number),
        "<int:content_type_id>": "1",
    }.items():
        address = address.replace(part, value)
    return address


PAGES = [
    page for page in pages_of(get_resolver().url_patterns) if page.address.startswith("/admin/")
]
GUARDED = [page for page in PAGES if page.right]
DJANGOS = [page for page in PAGES if not page.right and "account/" not in page.address]
# Whoever is not signed in may open these, and they do nothing without a link or a password.
OPEN = {
    "/admin/login/",
    "/admin/logout/",
    "/admin/jsi18n/",
    "/admin/password_change/",
    "/admin/invitation/<str:token>/",
    "/admin/account/email/",
}
# One is a pattern for the rest.
CLOSED = [
    page for page in (*GUARDED, *DJANGOS) if page.address not in OPEN and "(" not in page.address
]
walk = pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.address)


@pytest.fixture(scope="module")
def foreign_key(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """The id of `foreign_issue`. It is made once: a walk takes many steps."""
    with shared_rows(django_db_blocker, make_foreign_issue) as issue:
        yield issue.pk


@pytest.fixture
def foreign_issue(foreign_key: int) -> Issue:
    """An issue with a story and a subscriber, of one publication."""
    return Issue.objects.get(pk=foreign_key)


def make_foreign_issue() -> Issue:
    """Make it, with one of everything else that a page is about."""
    newsletter = make_newsletter(slug="tide", approval="none")
    source = make_source(newsletter)
    issue = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    make_story(issue, article=make_article(source))
    make_subscriber(newsletter)
    make_appeal(newsletter.publication)
    make_picture(newsletter.publication)
    attributes.define(newsletter.publication, label="City", kind="text", now=NOON)
    saving.create(newsletter.publication, "Everyone", {"rules": []}, NOON)
    owner = User.objects.create_user("ben@courier.example")
    connections.add("blog", "ghost", newsletter.publication, owner, NOON)
    make_series(newsletter)
    make_signup_form(newsletter)
    make_bulk_change(newsletter)
    registry.add(
        "crm",
        "https://crm.example/",
        ["issue.sent"],
        now=NOON,
        publication=newsletter.publication,
    )
    return issue


SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(client: Client) -> SignIn:
    """Sign somebody in as a member of a publication."""

    def signed(role: str, publication: Publication | None, **rights: bool) -> Client:
        user = User.objects.create_user("eve@courier.example", "correct-horse", is_staff=True)
        Member.objects.create(
            user=user, publication=publication, role=role, created_at=NOON, **rights
        )
        client.force_login(user)
        return client

    return signed


def other_publication() -> Publication:
    """Another publication."""
    return Publication.objects.get(pk=make_newsletter(slug="flood").publication_id)


def number_for(page: Page, issue: Issue) -> int:
    """The id that an address is about."""
    for kind_name, kind in KINDS.items():
        if kind_name in page.address:
            return int(kind.objects.earliest("pk").pk)
    return issue.pk


KINDS: dict[str, Any] = {
    "/series/steps/": Step,
    "/series/": Series,
    "/subscribers/": Subscriber,
    "/webhooks/": Webhook,
    "/connections/": Connection,
    "/article/": Article,
    "/source/": Source,
    "/pictures/": Picture,
    "<int:publication>": Publication,
    "<int:appeal>": Appeal,
    "newsletter": Newsletter,
    "/start/": Newsletter,
    "/attributes/": Attribute,
    "/subscriber-changes/": BulkChange,
    "/segments/": Segment,
    "/forms/": SignUpForm,
}


def test_the_walk_finds_the_pages() -> None:
    """A walk over nothing would prove nothing."""
    assert len(GUARDED) > 15
    assert {page.right for page in GUARDED} >= {
        Right.SEE,
        Right.EDIT,
        Right.SUBSCRIBERS,
        Right.MANAGE,
    }


@pytest.mark.parametrize("page", CLOSED, ids=lambda page: page.address)
def test_every_address_is_refused_to_strangers(
    client: Client, foreign_issue: Issue, page: Page
) -> None:
    """By GET and POST alike, signed in or not: only the page to sign in is shown."""
    User.objects.create_user("ada@courier.example", "x", is_staff=True)  # it is not a first run
    member_of_none = browser_of(User.objects.create_user("eve@reader.example", "x"))
    before = list(Issue.objects.values())
    for visitor in (client, member_of_none):
        for method in (visitor.get, visitor.post):
            answer = method(filled(page.address, number_for(page, foreign_issue)))
            signing_in = answer.status_code == 302 and "/login/" in answer["Location"]
            assert signing_in or answer.status_code in {403, 404, 405}, answer.status_code
    assert list(Issue.objects.values()) == before


def roles_without(right: Right | None) -> list[str]:
    """The roles that lack a right."""
    members_of_roles = [Member(role=role, may_send=False) for role in Role.values]
    return [row.role for row in members_of_roles if right not in members.rights_of(row)]


def test_every_right_but_to_see_is_lacked_by_a_role() -> None:
    """A walk in roles that may do everything would prove nothing."""
    assert {page.right for page in GUARDED if not roles_without(page.right)} == {Right.SEE}


@pytest.mark.parametrize(
    "page", [page for page in GUARDED if roles_without(page.right)], ids=lambda page: page.address
)
def test_a_page_is_refused_without_its_right(
    sign_in: SignIn, foreign_issue: Issue, page: Page
) -> None:
    """403 in each role that lacks it, whatever is asked for, and nothing is changed."""
    roles = roles_without(page.right)
    client = sign_in(roles[0], foreign_issue.newsletter.publication, may_send=False)
    before = list(Issue.objects.values())
    for role in roles:
        Member.objects.update(role=role)
        for method in (client.get, client.post):
            answer = method(filled(page.address, number_for(page, foreign_issue)))
            assert answer.status_code in {403, 405}, role
        assert 403 in {
            client.get(filled(page.address, 1)).status_code,
            client.post(filled(page.address, 1)).status_code,
        }, role
    assert list(Issue.objects.values()) == before


@walk
def test_what_is_anothers_is_not_there(sign_in: SignIn, foreign_issue: Issue, page: Page) -> None:
    """The owner of one publication finds nothing of the other's, and changes none of it."""
    client = sign_in("owner", other_publication())
    before = list(Issue.objects.values())
    for method in (client.get, client.post):
        answer = method(filled(page.address, number_for(page, foreign_issue)))
        if "<int" in page.address:
            assert answer.status_code in {403, 404, 405}
        content = b"".join(answer) if answer.streaming else answer.content
        assert "Story" not in content.decode(errors="replace")
    assert list(Issue.objects.values()) == before


@pytest.mark.parametrize("verb", sorted(actions.VERBS))
def test_an_analyst_presses_no_button(sign_in: SignIn, foreign_issue: Issue, verb: str) -> None:
    """They look."""
    client = sign_in("analyst", foreign_issue.newsletter.publication)
    answer = client.post(f"/admin/issues/{foreign_issue.pk}/{verb}/", {"revision": 1})
    assert answer.status_code == 403
    assert client.get(f"/admin/issues/{foreign_issue.pk}/").status_code == 200


@pytest.mark.parametrize("verb", ["send", "schedule", "resume"])
def test_sending_is_a_right_of_its_own(sign_in: SignIn, foreign_issue: Issue, verb: str) -> None:
    """An editor without it changes, and does not send."""
    client = sign_in("editor", foreign_issue.newsletter.publication, may_send=False)
    address = f"/admin/issues/{foreign_issue.pk}/"
    assert client.post(f"{address}{verb}/", {"revision": 1}).status_code == 403
    assert b"Send to" not in client.get(address).content
    assert client.post(f"{address}skip/", {"revision": 1}).status_code == 302
    foreign_issue.refresh_from_db()
    assert foreign_issue.state == "skipped"


def test_an_editor_who_may_sends(sign_in: SignIn, foreign_issue: Issue) -> None:
    """And it is noted who did."""
    client = sign_in("editor", foreign_issue.newsletter.publication)
    client.post(f"/admin/issues/{foreign_issue.pk}/send/", {"revision": 1})
    foreign_issue.refresh_from_db()
    assert foreign_issue.send_at is not None
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action[:5]) == ("eve@courier.example", "send:")
    assert entry.publication_id == foreign_issue.newsletter.publication_id


def test_an_analyst_sees_no_address(sign_in: SignIn, foreign_issue: Issue) -> None:
    """Nor a mail as one subscriber gets it."""
    subscriber = Subscriber.objects.get()
    client = sign_in("analyst", foreign_issue.newsletter.publication)
    assert client.get(f"/admin/subscribers/{subscriber.pk}/").status_code == 403
    preview = f"/admin/issues/{foreign_issue.pk}/preview/html/"
    assert client.get(preview).status_code == 200
    assert client.get(preview, {"subscriber": subscriber.email}).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "issues/issue/",
        "issues/issue/{issue}/change/",
        "articles/article/",
        "newsletters/newsletter/",
    ],
)
def test_djangos_own_pages_of_rows_are_not_there(
    ada_client: Client, foreign_issue: Issue, address: str
) -> None:
    """Not even for the owner of everything: they would show what the console hides."""
    assert ada_client.get(f"/admin/{address.format(issue=foreign_issue.pk)}").status_code == 404


def test_a_form_offers_ones_own_publications_alone(sign_in: SignIn, foreign_issue: Issue) -> None:
    """No newsletter is made under another's name."""
    other = other_publication()
    client = sign_in("owner", other)
    foreign = foreign_issue.newsletter.publication_id
    for address in ("/admin/newsletter/add/", "/admin/appeals/new/"):
        page = client.get(address).content.decode()
        assert f'<option value="{other.pk}"' in page
        assert f'<option value="{foreign}"' not in page
    client.post("/admin/newsletter/add/", {"publication": foreign, "name": "Mine"})
    assert not Newsletter.objects.filter(name="Mine").exists()


def test_an_inactive_account_is_out_at_once(sign_in: SignIn, foreign_issue: Issue) -> None:
    """Its session is of no use any more."""
    client = sign_in("owner", foreign_issue.newsletter.publication)
    assert client.get("/admin/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("kind", ["issues", "appeals"])
def test_filters_name_nothing_of_anothers(sign_in: SignIn, foreign_issue: Issue, kind: str) -> None:
    """Not even by the names beside a list."""
    Newsletter.objects.update(name="Secret plans")
    Publication.objects.update(name="Secret plans")
    own = other_publication()
    make_appeal(own)
    for state in ("draft", "sent"):
        make_issue(make_newsletter(slug=f"own-{state}", publication=own), state=state)
    client = sign_in("owner", own)
    assert b"Secret plans" not in client.get(f"/admin/{kind}/").content


def test_a_wish_of_anothers_is_not_taken_for_ones_own(
    sign_in: SignIn, foreign_issue: Issue
) -> None:
    """The key of their issue opens nothing and notes nothing."""
    Issue.objects.filter(pk=foreign_issue.pk).update(start_key="theirs")
    own = Newsletter.objects.get(publication=other_publication())
    client = sign_in("owner", own.publication)
    answer = client.post(f"/admin/issues/new/{own.pk}/", {"what": "new", "key": "theirs"})
    assert b"another newsletter" in answer.content
    assert not AuditEntry.objects.exists()


@walk
def test_no_page_is_kept_by_browsers_and_none_is_framed(
    sign_in: SignIn, foreign_issue: Issue, page: Page
) -> None:
    """Subscribers' addresses are not to be had by the Back button once somebody signed out."""
    client = sign_in("owner", None)
    answer = client.get(filled(page.address, number_for(page, foreign_issue)))
    assert "no-store" in answer["Cache-Control"]
    assert re.search("frame-ancestors '(none|self)'", answer["Content-Security-Policy"])
