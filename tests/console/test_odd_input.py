"""What no browser sends: it is refused in words, never by a crash."""

import pytest
from django.test import Client

from digest.accounts.models import Token
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from tests.cast import make_issue, make_newsletter, make_source, make_story
from tests.cast.accounts import make_superuser
from tests.console.test_rights import PAGES, Page, filled

pytestmark = pytest.mark.django_db
MANY = "9" * 5_000  # digits: more than Python reads


@pytest.fixture
def ada(client: Client) -> Client:
    """An owner of everything; a crash is an answer here."""
    client.force_login(make_superuser())
    client.raise_request_exception = False
    return client


@pytest.fixture
def issue() -> Issue:
    """An issue with a story."""
    newsletter = make_newsletter(slug="tide", approval="none")
    make_source(newsletter)
    row = make_issue(newsletter, state="draft")
    make_story(row)
    return row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_no_page_takes_a_nul(ada: Client, issue: Issue, page: Page) -> None:
    """PostgreSQL's text holds none: wherever it went, it would be a crash."""
    address = filled(page.address)
    for answer in (ada.get(address, {"q": "a\0b"}), ada.post(address, {"note": "a\0b"})):
        assert answer.status_code in {400, 404}


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("issues/{issue}/move/", {"story": MANY, "block": 1, "to": 0, "revision": 1}),
        ("issues/{issue}/move/", {"story": 1, "block": "²", "to": "-1", "revision": 1}),
        ("issues/{issue}/move/", {"story": 1, "block": str(10**18 - 1), "to": 0, "revision": 1}),
        ("issues/{issue}/subject/", {"subject": "x", "revision": MANY}),
        ("issues/new/{newsletter}/", {"article": [MANY, "²"], "what": "chosen"}),
        ("home/poll/", {"key": MANY}),
        ("setup/{publication}/source/", {"remove": MANY}),
    ],
)
def test_a_number_that_is_none_is_said_so(
    ada: Client, issue: Issue, address: str, data: dict[str, str]
) -> None:
    """Longer than a number may be, or of characters that only look like digits."""
    newsletter = Newsletter.objects.get()
    path = address.format(
        issue=issue.pk, newsletter=newsletter.pk, publication=newsletter.publication_id
    )
    assert ada.post(f"/admin/{path}", data).status_code < 500
    assert list(Issue.objects.values_list("pk", "revision")) == [(issue.pk, issue.revision)]


@pytest.mark.parametrize("days", ["00001999999999", "0000199999", MANY, "²", "-1", "0"])
def test_a_token_lasts_no_longer_than_ten_years(ada: Client, days: str) -> None:
    """However its days are written."""
    data = {"name": "crm", "scope": "issues:read", "days": days}
    answer = ada.post("/admin/api-tokens/create/", data)
    assert answer.status_code == 200  # the form again, with what was entered
    assert "A token expires after 1 to 3,650 days." in answer.content.decode()
    assert not Token.objects.exists()
