"""Subscribers brought along in the browser: a list, or one by one."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from digest.accounts.models import AuditEntry, User
from digest.console import importing
from digest.newsletters.models import Member, Newsletter, Role
from digest.notices.models import Notice
from digest.subscribers import suppression
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from tests.cast import NOON, make_newsletter, make_publication

pytestmark = pytest.mark.django_db
ROWS = (
    b"email,name\nines@reader.example,Ines\nno address,\nINES@reader.example,\nbob@reader.example,"
)
HOW = "signed up at the fair"


@pytest.fixture
def tide() -> Newsletter:
    """The Morning Tide."""
    return make_newsletter(slug="tide")


@pytest.fixture
def owner(client: Client, tide: Newsletter) -> Client:
    """The browser of the publication's owner."""
    return signed_in(client, tide, Role.OWNER)


def signed_in(browser: Client, newsletter: Newsletter, role: Role) -> Client:
    """Somebody of the newsletter's publication."""
    user = User.objects.create_user("eve@courier.example", "x", is_staff=True)
    Member.objects.create(user=user, publication=newsletter.publication, role=role, created_at=NOON)
    browser.force_login(user)
    return browser


def brought(
    owner: Client, newsletter: Newsletter, content: bytes, consent: str = HOW
) -> tuple[int, str]:
    """Upload a list; return the status and the page."""
    data = {
        "newsletter": newsletter.pk,
        "consent": consent,
        "file": SimpleUploadedFile("list.csv", content),
    }
    answer = owner.post("/admin/subscribers/import/", data)
    return answer.status_code, answer.content.decode()


def test_a_list_is_brought_along_and_reported(owner: Client, tide: Newsletter) -> None:
    """Each row: taken, known, or refused with its line and why; the consent is kept."""
    suppression.suppress("bob@reader.example", reason="asked", evidence="", now=NOON)
    status, page = brought(owner, tide, ROWS)
    assert status == 200
    assert Subscriber.objects.get().email == "ines@reader.example"
    assert Subscription.objects.get().state == "active"
    assert ConsentEvent.objects.get().wording == HOW
    assert "Line 3" in page
    assert "no address" in page
    assert AuditEntry.objects.get().action == f"imported 1 of 4 subscribers into {tide.name}"
    _, page = brought(owner, tide, ROWS)
    assert Subscriber.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a spreadsheet", "CSV"),
        (b"\x00\x01\x02\x03" * 100, ""),
        (b"colour\nblue\n", ""),
        (b"<script>alert(1)</script>\n", ""),
    ],
)
def test_what_is_no_list_is_refused(
    owner: Client, tide: Newsletter, content: bytes, message: str
) -> None:
    """With a word about it; nothing is stored."""
    status, page = brought(owner, tide, content)
    assert status == 200
    assert message in page
    assert "<script>alert" not in page
    assert not Subscriber.objects.exists()


def test_a_list_needs_a_word_about_consent(owner: Client, tide: Newsletter) -> None:
    """It is evidence."""
    _, page = brought(owner, tide, ROWS, consent="  ")
    assert "This field is required" in page
    assert not Subscriber.objects.exists()


def test_a_huge_list_is_for_the_terminal(
    owner: Client, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says which command."""
    monkeypatch.setattr(importing, "MAX_FILE_SIZE", 10)
    _, page = brought(owner, tide, ROWS)
    assert "digest subscriber import" in page
    assert not Subscriber.objects.exists()


def test_a_list_goes_into_ones_own_newsletters_alone(owner: Client, tide: Newsletter) -> None:
    """And an editor brings none."""
    other_newsletter = make_newsletter(publication=make_publication())
    _, page = brought(owner, other_newsletter, ROWS)
    assert "valid choice" in page
    assert not Subscriber.objects.exists()
    Member.objects.update(role=Role.EDITOR)
    assert brought(owner, tide, ROWS)[0] == 403


def test_one_subscriber_is_invited(client: Client, tide: Newsletter) -> None:
    """They are asked to confirm, once an hour at most; until then they get nothing."""
    editor = signed_in(client, tide, Role.EDITOR)
    fields = {"newsletter": tide.pk, "email": "Ines@Reader.Example", "name": "Ines"}
    first = editor.post("/admin/subscribers/invite/", fields, follow=True).content.decode()
    assert "Invitation sent to Ines@reader.example" in first
    assert Subscription.objects.get().state == "pending"
    assert Notice.objects.get().kind == "confirm"
    again = editor.post("/admin/subscribers/invite/", fields, follow=True).content.decode()
    assert "No mail was sent" in again
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "x" * 400 + "@b.example"])
def test_what_is_no_address_is_refused(client: Client, tide: Newsletter, email: str) -> None:
    """Beside the field."""
    editor = signed_in(client, tide, Role.EDITOR)
    answer = editor.post("/admin/subscribers/invite/", {"newsletter": tide.pk, "email": email})
    assert answer.status_code == 200
    assert 'class="error"' in answer.content.decode()
    assert not Subscriber.objects.exists()
