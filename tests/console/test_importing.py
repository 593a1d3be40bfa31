"""Subscribers brought along in the browser: a list, or one by one."""

import csv
import io
import re
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import AuditEntry
from digest.console.importing import forms
from digest.core import clock
from digest.newsletters.models import Member, Newsletter, Role
from digest.notices.models import Notice
from digest.selfservice import erasure
from digest.subscribers import suppression
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression
from digest.transfers import queue
from digest.transfers.models import Transfer
from tests.cast import (
    NOON,
    make_member,
    make_newsletter,
    make_publication,
    make_subscriber,
    make_subscription,
)

pytestmark = pytest.mark.django_db
ROWS = (
    b"email,name\nines@reader.example,Ines\nno address,\nINES@reader.example,\nbob@reader.example,"
)
CONSENT = "signed up at the fair"


@pytest.fixture
def owner(client: Client, tide: Newsletter) -> Client:
    """The browser of the publication's owner."""
    return signed_in(client, tide, Role.OWNER)


def signed_in(browser: Client, newsletter: Newsletter, role: Role) -> Client:
    """Somebody of the newsletter's publication."""
    browser.force_login(make_member(newsletter.publication, role))
    return browser


def uploaded(
    owner: Client,
    newsletter: Newsletter,
    content: bytes,
    consent: str = CONSENT,
    name: str = "list.csv",
) -> tuple[int, str]:
    """Upload a list; return the status and the page: the check, or the form with its errors.

    A worker checks what was uploaded.
    """
    data = {
        "newsletter": newsletter.pk,
        "consent": consent,
        "file": SimpleUploadedFile(name, content),
    }
    answer = owner.post("/admin/subscribers/import/", data, follow=True)
    return answer.status_code, worked_on(owner, answer.content.decode())


def worked_on(owner: Client, page: str) -> str:
    """Let a worker do what a page waits for; return the page as it is then."""
    if 'id="working"' not in page:
        return page
    queue.run_due(clock.now())
    row = Transfer.objects.latest("pk")
    return owner.get(f"/admin/subscribers/import/{row.pk}/").content.decode()


def press(owner: Client, button: str, **changes: str) -> str:
    """Press a button of the check of the latest upload, with what its form says, changed."""
    row = Transfer.objects.latest("pk")
    fields = {f"column-{index}": meaning for index, meaning in enumerate(row.reading["meanings"])}
    fields |= {"source": row.reading["source"], "everyone": row.reading["everyone"]}
    fields |= {"suppress": "on"} if row.suppress else {}
    address = f"/admin/subscribers/import/{row.pk}/"
    answer = owner.post(address, fields | changes | {button: "1"}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def pressed(owner: Client, button: str, **changes: str) -> str:
    """Press a button, and let a worker do what follows."""
    return worked_on(owner, press(owner, button, **changes))


def counts(page: str) -> list[str]:
    """The numbers of a check or a report."""
    first, _, _ = page.partition("</dl>")
    return re.findall(r"<dd>([\d,]+)</dd>", first)


def test_a_list_is_checked_then_imported_and_reported(owner: Client, tide: Newsletter) -> None:
    """Each row: added, known, or skipped with its line and why; the consent is kept."""
    suppression.suppress("bob@reader.example", reason="asked", evidence="", now=NOON)
    status, page = uploaded(owner, tide, ROWS)
    assert status == 200
    assert counts(page) == ["4", "1", "0", "3"]
    assert "Import 1 subscriber<" in page
    assert "suppressed: asked" in page
    assert not Subscriber.objects.exists()
    page = pressed(owner, "import")
    assert counts(page) == ["4", "1", "0", "3"]
    assert Subscriber.objects.get().email == "ines@reader.example"
    assert Subscription.objects.get().state == "active"
    assert ConsentEvent.objects.get().wording == CONSENT
    assert "Line 3" in page
    action = f"began to import 1 of 4 subscribers into {tide.name}"
    assert AuditEntry.objects.latest("pk").action == action
    row = Transfer.objects.get()
    assert bytes(row.content) == b""
    [address] = re.findall(r'href="([^"]+/skipped/)"', page)
    answer = owner.get(address)
    lines = list(csv.reader(io.StringIO(answer.content.decode())))
    assert [line[0] for line in lines] == ["line", "3", "4", "5"]
    assert "attachment" in answer["Content-Disposition"]
    _, page = uploaded(owner, tide, ROWS)
    assert counts(page) == ["4", "0", "1", "3"]
    assert "list.csv" in owner.get("/admin/subscribers/import/").content.decode()


def test_a_worker_does_the_work_and_the_page_says_how_far_it_is(
    owner: Client, tide: Newsletter
) -> None:
    """Polled until there is something else to see; an import that is pressed twice runs once."""
    uploaded(owner, tide, ROWS)
    row = Transfer.objects.get()
    page = press(owner, "check", suppress="on")
    assert "is checked again" in page
    assert "is being read" in page
    [address] = re.findall(r'hx-get="([^"]+/progress/[^"]*)"', page)
    assert "HX-Refresh" not in owner.get(address)
    assert counts(worked_on(owner, page)) == ["4", "2", "0", "2", "0"]
    assert "HX-Refresh" in owner.get(address)
    page = press(owner, "import")
    assert "is being imported" in page
    assert not Subscriber.objects.exists()
    assert "is being imported" in press(owner, "import")
    assert "in work" in press(owner, "discard")
    worked_on(owner, page)
    assert "in work, or has been imported" in press(owner, "discard")
    pressed(owner, "import")
    assert ConsentEvent.objects.count() == 2
    assert AuditEntry.objects.filter(action__startswith="began to import").count() == 1
    assert owner.get(f"/admin/subscribers/import/service/{row.pk}/").status_code == 404


def test_what_cannot_be_imported_says_why(owner: Client, tide: Newsletter) -> None:
    """A column may be about an attribute that somebody deleted meanwhile."""
    uploaded(owner, tide, ROWS)
    row = Transfer.objects.get()
    row.reading["meanings"][1] = "attribute.city"
    Transfer.objects.update(reading=row.reading, state="importing")
    queue.run_due(clock.now())
    page = owner.get(f"/admin/subscribers/import/{row.pk}/").content.decode()
    assert "There is no attribute “city”" in page
    assert not Subscriber.objects.exists()
    page = press(owner, "discard")
    assert "The file was deleted." in page
    assert "Nothing was imported" not in page


STATES = b"email,name,status,plan\nana@r.example,Ana,active,gold\nben@r.example,=1+1,bounced,\n"


def test_the_columns_are_shown_and_can_be_changed(owner: Client, tide: Newsletter) -> None:
    """With their examples; a change is checked before anything is imported."""
    _, page = uploaded(owner, tide, STATES)
    assert counts(page) == ["2", "1", "0", "1"]
    assert '<option value="state" selected>' in page
    assert "bounced: “status” says “bounced”" in page
    page = pressed(owner, "import", **{"column-2": "ignored"})
    assert counts(page) == ["2", "2", "0", "0"]
    assert not Subscriber.objects.exists()
    page = pressed(owner, "check", **{"column-0": "name"})
    assert "Choose" in page
    page = pressed(owner, "check", **{"column-0": "colour"})
    assert "Select a valid choice" in page
    page = pressed(owner, "check", source="mailpoet", everyone="unsubscribed", suppress="on")
    assert counts(page) == ["2", "0", "0", "2", "2"]
    pressed(owner, "import")
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"unsubscribed", "bounced"}
    assert not Subscriber.objects.exists()


def test_the_source_is_recognised(owner: Client, tide: Newsletter) -> None:
    """By its columns, and its state by the name of the file."""
    content = b"Email Address,MEMBER_RATING,LEID\nana@r.example,2,1\n"
    _, page = uploaded(owner, tide, content, name="cleaned_members_export.csv")
    assert "an export of Mailchimp" in page
    assert "nobody is added" in page
    assert counts(page) == ["1", "0", "0", "1"]
    assert counts(pressed(owner, "check", everyone="")) == ["1", "1", "0", "0"]


def test_a_list_can_be_discarded_and_is_deleted_after_a_day(
    owner: Client, tide: Newsletter
) -> None:
    """Addresses that nobody imported do not stay."""
    uploaded(owner, tide, ROWS)
    assert "Nothing was imported" in pressed(owner, "discard")
    assert not Transfer.objects.exists()
    uploaded(owner, tide, ROWS)
    row = Transfer.objects.get()
    queue.delete_old(row.created_at + queue.KEEP_CONTENT)
    assert Transfer.objects.exists()
    queue.delete_old(row.created_at + queue.KEEP_CONTENT + timedelta(seconds=1))
    assert not Transfer.objects.exists()


def zipped(**members: bytes) -> bytes:
    """A zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def test_the_list_in_a_zip_archive_is_taken(owner: Client, tide: Newsletter) -> None:
    """As Mailchimp exports it; several are named."""
    _, page = uploaded(owner, tide, zipped(subscribed__csv=ROWS), name="export.zip")
    assert "subscribed.csv" in page
    pressed(owner, "import")
    assert Subscriber.objects.count() == 2
    content = zipped(subscribed__csv=ROWS, cleaned__csv=ROWS)
    _, page = uploaded(owner, tide, content, name="export.zip")
    assert "2 lists: subscribed.csv, cleaned.csv" in page


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a spreadsheet", "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\x00\x01\x02\x03" * 100, "not text"),
        (b"colour\nblue\n", "holds email addresses"),
        (b"<script>alert(1)</script>\n", "holds email addresses"),
    ],
)
def test_what_is_no_list_is_refused(
    owner: Client, tide: Newsletter, content: bytes, message: str
) -> None:
    """In plain words, without the path of a copy; nothing is stored."""
    status, page = uploaded(owner, tide, content)
    assert status == 200
    assert message in page
    assert "/tmp/" not in page
    assert "<script>alert" not in page
    assert not Transfer.objects.exists()


def test_headings_and_cells_run_nothing(owner: Client, tide: Newsletter) -> None:
    """They are words of strangers."""
    markup = b"<script>alert(1)</script>"
    content = b'email,name,%s\nana@r.example,%s,%s\n"%s",,' % (markup, markup, markup, markup)
    _, page = uploaded(owner, tide, content, name="<script>alert(1)</script>.csv")
    assert "<script>alert" not in page
    assert "<script>alert" not in pressed(owner, "import")


def test_a_list_needs_a_word_about_consent(owner: Client, tide: Newsletter) -> None:
    """It is evidence."""
    _, page = uploaded(owner, tide, ROWS, consent="  ")
    assert "This field is required" in page
    assert not Transfer.objects.exists()


def test_a_huge_list_is_for_the_terminal(
    owner: Client, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says which command; unpacked, an archive counts too."""
    packed = zipped(a__csv=b"email\n" + b"ana@r.example\n" * 1000)
    monkeypatch.setattr(forms, "MAX_FILE_SIZE", 20)
    _, page = uploaded(owner, tide, ROWS)
    assert "digest subscriber import" in page
    monkeypatch.setattr(forms, "MAX_FILE_SIZE", len(packed))
    _, page = uploaded(owner, tide, packed)
    assert "larger than" in page
    assert not Transfer.objects.exists()


def test_a_list_goes_into_ones_own_newsletters_alone(owner: Client, tide: Newsletter) -> None:
    """An editor brings none, and another publication's list is not there."""
    other_newsletter = make_newsletter(publication=make_publication())
    _, page = uploaded(owner, other_newsletter, ROWS)
    assert "valid choice" in page
    uploaded(owner, tide, ROWS)
    row = Transfer.objects.get()
    Transfer.objects.update(newsletter=other_newsletter)
    for address in ("", "service/"):
        for page in ("", "progress/", "skipped/"):
            answer = owner.get(f"/admin/subscribers/import/{address}{row.pk}/{page}")
            assert answer.status_code == 404
    Transfer.objects.update(newsletter=tide)
    Member.objects.update(role=Role.EDITOR)
    assert uploaded(owner, tide, ROWS)[0] == 403
    assert owner.get(f"/admin/subscribers/import/{row.pk}/").status_code == 403


def test_one_subscriber_is_invited(client: Client, tide: Newsletter) -> None:
    """They are asked to confirm, once an hour at most; until then they get nothing."""
    editor = signed_in(client, tide, Role.EDITOR)
    fields = {"newsletter": tide.pk, "email": "Ines@Reader.Example", "name": "Ines"}
    first = editor.post("/admin/subscribers/invite/", fields, follow=True).content.decode()
    assert "Invitation sent to Ines@reader.example" in first
    assert Subscription.objects.get().state == "pending"
    assert Notice.objects.get().kind == "confirm"
    page = editor.post("/admin/subscribers/invite/", fields, follow=True).content.decode()
    assert "No mail was sent" in page
    assert Notice.objects.count() == 1


def test_nobody_is_invited_without_the_right_to_send(client: Client, tide: Newsletter) -> None:
    """It is mail to anybody; the list has no button for it then."""
    client.force_login(make_member(tide.publication, Role.EDITOR, may_send=False))
    fields = {"newsletter": tide.pk, "email": "ines@reader.example"}
    assert client.post("/admin/subscribers/invite/", fields).status_code == 403
    assert "/admin/subscribers/invite/" not in client.get("/admin/subscribers/").content.decode()
    assert not Subscriber.objects.exists()


def test_who_has_left_is_not_invited(client: Client, tide: Newsletter) -> None:
    """Nor anybody to a closed newsletter; the page says why, but not who was erased."""
    editor = signed_in(client, tide, Role.EDITOR)
    left, erased = make_subscriber(), make_subscriber()
    make_subscription(left, tide, state="unsubscribed", unsubscribed_at=NOON)
    erasure.erase(erased.pk, NOON)

    def invite(email: str) -> str:
        fields = {"newsletter": tide.pk, "email": email}
        answer = editor.post("/admin/subscribers/invite/", fields, follow=True)
        return str(answer.content.decode())

    assert "only they themselves can subscribe again" in invite(left.email)
    assert "No mail was sent" in invite(erased.email)
    Newsletter.objects.update(state="closed")
    assert "is closed: nobody can join it" in invite("ines@reader.example")
    assert not Notice.objects.exists()


def test_one_user_invites_so_many(client: Client, tide: Newsletter, settings: Settings) -> None:
    """The others wait; nobody of them is stored."""
    settings.DIGEST_INVITE_LIMIT = "2/hour"
    editor = signed_in(client, tide, Role.EDITOR)
    for number in range(3):
        fields = {"newsletter": tide.pk, "email": f"ines{number}@reader.example"}
        answer = editor.post("/admin/subscribers/invite/", fields, follow=True)
    assert "You have sent many" in answer.content.decode()
    assert (Notice.objects.count(), Subscriber.objects.count()) == (2, 2)


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "x" * 400 + "@b.example"])
def test_what_is_no_address_is_refused(client: Client, tide: Newsletter, email: str) -> None:
    """Beside the field."""
    editor = signed_in(client, tide, Role.EDITOR)
    answer = editor.post("/admin/subscribers/invite/", {"newsletter": tide.pk, "email": email})
    assert answer.status_code == 200
    assert 'class="error"' in answer.content.decode()
    assert not Subscriber.objects.exists()
