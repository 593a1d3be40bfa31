"""Coming from another service, in the browser: a file or an API, what will happen, a report."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from digest.accounts.models import AuditEntry
from digest.console.transfers import forms
from digest.core import clock
from digest.newsletters.models import Newsletter, Role
from digest.subscribers.models import Profile, Subscription
from digest.transfers import queue
from digest.transfers.models import Transfer
from tests.cast import exports, make_member, make_newsletter

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]
START = "/admin/subscribers/import/service/"
CONSENT = "signed up at the fair"


@pytest.fixture
def owner(client: Client, tide: Newsletter) -> Client:
    """The browser of the publication's owner."""
    client.force_login(make_member(tide.publication, Role.OWNER))
    return client


def mailchimp() -> SimpleUploadedFile:
    """An account's export."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in exports.mailchimp_account().items():
            archive.writestr(name, content)
    return SimpleUploadedFile("export.zip", stream.getvalue())


def upload(owner: Client, tide: Newsletter, *files: SimpleUploadedFile) -> Transfer:
    """Upload an export, and let a worker read it."""
    answer = owner.post(START, {"newsletter": tide.pk, "consent": CONSENT, "export": list(files)})
    row = Transfer.objects.get()
    assert answer["Location"] == f"{START}{row.pk}/"
    assert "is being unpacked" in page(owner, row)
    queue.run_due(clock.now())
    row.refresh_from_db()
    return row


def page(owner: Client, row: Transfer) -> str:
    """The page of a transfer."""
    return owner.get(f"{START}{row.pk}/").content.decode()


def test_an_export_comes_in(owner: Client, tide: Newsletter) -> None:
    """Dropped, shown, begun; the report says what stays behind; each step is in the audit log."""
    row = upload(owner, tide, mailchimp())
    text = page(owner, row)
    assert "recognised as an export of Mailchimp" in text
    assert "What stays behind" in text
    assert "1 past issue was not public there" in text
    choices = {"issues": "public", "suppress": "on", "list_name": ""}
    owner.post(f"{START}{row.pk}/", {**choices, "issues": "all", "begin": "1"})
    row.refresh_from_db()
    assert row.state == Transfer.State.CHECKING  # other than what was shown
    queue.run_due(clock.now())
    owner.post(f"{START}{row.pk}/", {**choices, "issues": "all", "begin": "1"})
    progress = owner.get(f"{START}{row.pk}/progress/?state=importing")
    assert "is being imported" in progress.content.decode()
    assert "HX-Refresh" not in progress
    queue.run_due(clock.now())
    assert "HX-Refresh" in owner.get(f"{START}{row.pk}/progress/?state=importing")
    text = page(owner, row)
    assert "No mail was sent." in text
    assert Subscription.objects.filter(state="active").count() == 2
    assert b"left@mc.example" in owner.get(f"{START}{row.pk}/skipped/").content
    assert tide.past_issues.count() == 1
    owner.post(f"{START}{row.pk}/remove-issues/")
    assert not tide.past_issues.exists()
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert [action.split(",")[0] for action in actions] == [
        "uploaded an export",
        "began to import export.zip",
        "downloaded skipped rows of export.zip",
        "removed 1 past issue of export.zip",
    ]


def test_files_that_belong_together(owner: Client, tide: Newsletter) -> None:
    """Ghost's JSON and the CSV of its members, chosen at once."""
    site = exports.ghost_json([exports.ghost_post()]).encode()
    row = upload(
        owner,
        tide,
        SimpleUploadedFile("site.json", site),
        SimpleUploadedFile("members.csv", exports.GHOST_MEMBERS.encode()),
    )
    report = row.report
    assert (row.service, report["subscribers"]["added"]) == ("ghost", 1)
    assert report["issues"]["added"] == 1


def test_a_column_becomes_an_attribute(owner: Client, tide: Newsletter) -> None:
    """Ticked, the export is read again, and its values come along; one name is taken once."""
    row = upload(owner, tide, mailchimp())
    assert 'name="columns" value="Birthday"' in page(owner, row)
    choices = {"issues": "public", "suppress": "on", "begin": "1", "columns": ["Birthday"]}
    owner.post(f"{START}{row.pk}/", choices)
    queue.run_due(clock.now())
    assert 'value="Birthday"' not in page(owner, row)
    del choices["columns"]
    owner.post(f"{START}{row.pk}/", choices)
    queue.run_due(clock.now())
    profile = Profile.objects.get(subscriber__email="ines@mc.example")
    assert profile.attributes == {"birthday": "05/03"}


def test_two_columns_cannot_be_one_attribute(owner: Client, tide: Newsletter) -> None:
    """The page says so, and nothing is defined."""
    lists = "Email Address,T-Shirt,T Shirt,MEMBER_RATING,Status\na@x.example,M,L,2,Subscribed\n"
    row = upload(owner, tide, SimpleUploadedFile("subscribed.csv", lists.encode()))
    choices = {"issues": "public", "columns": ["T-Shirt", "T Shirt"], "check": "1"}
    answer = owner.post(f"{START}{row.pk}/", choices).content.decode()
    assert "There is an attribute “t_shirt” already." in answer
    assert not tide.publication.attributes.exists()


def test_ghosts_json_alone_says_who_is_missing(owner: Client, tide: Newsletter) -> None:
    """With where the members are exported; it can be discarded."""
    site = exports.ghost_json([exports.ghost_post()]).encode()
    row = upload(owner, tide, SimpleUploadedFile("site.json", site))
    assert "Members are not in this file." in page(owner, row)
    owner.post(f"{START}{row.pk}/", {"discard": "1"})
    assert not Transfer.objects.exists()


def test_what_a_file_does_not_say_is_asked(owner: Client, tide: Newsletter) -> None:
    """Nobody comes in before it is ticked."""
    row = upload(owner, tide, SimpleUploadedFile("s.csv", exports.LISTMONK.encode()))
    assert "only those who are confirmed there" in page(owner, row)
    assert row.report["subscribers"]["added"] == 0
    owner.post(
        f"{START}{row.pk}/",
        {"issues": "public", "suppress": "on", "list_name": "", "affirmed": "on", "check": "1"},
    )
    queue.run_due(clock.now())
    row.refresh_from_db()
    assert row.report["subscribers"]["added"] == 1


def test_a_file_that_is_no_export_says_why(owner: Client, tide: Newsletter) -> None:
    """And can be discarded."""
    row = upload(owner, tide, SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n"))
    assert "This is a picture." in page(owner, row)
    owner.post(f"{START}{row.pk}/", {"discard": "1"})
    assert not Transfer.objects.exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"service": "ghost", "key": "x:ab"}, "Enter the address of your site."),
        ({"service": "ghost", "address": "https://x.example", "key": "x"}, "Admin API key"),
        ({"service": "buttondown"}, "This field is required."),
        ({"service": "mailchimp", "key": "x"}, "not one of the available choices"),
    ],
)
def test_the_form_says_what_is_missing(
    owner: Client, tide: Newsletter, values: dict[str, str], message: str
) -> None:
    """Beside its field; the key is never shown again."""
    answer = owner.post(START, {"newsletter": tide.pk, "consent": CONSENT, **values})
    text = answer.content.decode()
    assert message in text
    assert 'value="x"' not in text
    assert not Transfer.objects.exists()


def test_what_is_too_large_is_refused(
    owner: Client, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the way that has no limit."""
    monkeypatch.setattr(forms, "MAX_SIZE", 10)
    values = {"newsletter": tide.pk, "consent": CONSENT, "export": [mailchimp()]}
    assert "digest import" in owner.post(START, values).content.decode()


def test_a_service_waits_for_a_worker(owner: Client, tide: Newsletter) -> None:
    """Its fixed address is filled in; the key is sealed."""
    values = {"service": "buttondown", "key": "bd-key"}
    owner.post(START, {"newsletter": tide.pk, "consent": CONSENT, **values})
    row = Transfer.objects.get()
    assert (row.state, row.address) == (Transfer.State.FETCHING, "https://api.buttondown.com")
    assert "bd-key" not in str(vars(row))
    assert "fetching from the service" in page(owner, row)


def test_others_see_nothing_of_it(owner: Client, tide: Newsletter, client: Client) -> None:
    """Another publication's owner neither finds it nor may bring anything into this newsletter."""
    row = upload(owner, tide, mailchimp())
    other = make_newsletter().publication
    client.force_login(make_member(other, Role.OWNER, email="bob@courier.example"))
    for address in ("", "progress/", "skipped/"):
        assert client.get(f"{START}{row.pk}/{address}").status_code == 404
    answer = client.post(
        START, {"newsletter": tide.pk, "consent": CONSENT, "export": [mailchimp()]}
    )
    assert "Select a valid choice" in answer.content.decode()
    assert Transfer.objects.count() == 1


def test_recent_ones_are_listed(owner: Client, tide: Newsletter) -> None:
    """With their state."""
    row = upload(owner, tide, mailchimp())
    Transfer.objects.update(created_at=clock.now() - timedelta(hours=1))
    text = owner.get(START).content.decode()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))  # two forms with the same fields
    assert f'href="{START}{row.pk}/"' in text
    assert "Waits for you" in text


def test_an_old_page_discards_no_import(owner: Client, tide: Newsletter) -> None:
    """Its report stays, and with it the button that removes its past issues."""
    row = upload(owner, tide, mailchimp())
    for state in ("importing", "finished"):
        Transfer.objects.update(state=state)
        answer = owner.post(f"{START}{row.pk}/", {"discard": "1"}, follow=True)
        assert "in work, or has been imported" in answer.content.decode()
        assert Transfer.objects.exists()
