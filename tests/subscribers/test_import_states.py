"""What lists of other systems say: nobody who left, bounced or never confirmed gets in."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.subscribers.consent import confirm, subscribe
from digest.subscribers.errors import (
    AddressSuppressedError,
    ImportFileError,
    UnsubscribedError,
)
from digest.subscribers.importing import Report, import_csv
from digest.subscribers.importing.layout import read_layout, state_of_file
from digest.subscribers.models import Subscriber, Subscription, Suppression
from digest.subscribers.suppression import suppress
from tests.cast import NOON, make_subscriber

pytestmark = pytest.mark.django_db
CASES = Path(__file__).parent / "cases"
OPTIONS: dict[str, Any] = {"consent": "Moved from our former system.", "now": NOON}


def active() -> set[str]:
    """The local parts of the addresses that are subscribed."""
    emails = Subscription.objects.filter(state="active").values_list("subscriber__email", flat=True)
    return {email.partition("@")[0] for email in emails}


def take(folder: Path, content: str, newsletter: Newsletter, **more: Any) -> Report:
    """Import a file with this content."""
    path = folder / "list.csv"
    path.write_text(content)
    return import_csv(path, newsletter, **OPTIONS | more)


@pytest.mark.parametrize(
    ("case", "source", "added", "stopped"),
    [
        ("ghost", "ghost", {"ana"}, {"ben": "unsubscribed", "cid": "deleted"}),
        ("listmonk", "listmonk", {"ana"}, {"ben": "blocked", "cid": "blocked"}),
        ("mailchimp-unsub", "mailchimp", set(), {"ana": "unsubscribed", "ben": "complained"}),
        ("mailchimp-de", "mailchimp", {"xaver"}, {}),
        (
            "mailpoet",
            "mailpoet",
            {"ana"},
            {"ben": "unsubscribed", "cid": "bounced", "dee": "unconfirmed"},
        ),
        ("substack", "substack", {"ana"}, {"ben": "blocked"}),
        ("own-export", "digest", {"ana", "cid"}, {"ben": "unsubscribed", "wait": "unconfirmed"}),
        ("padded", "", {"ana", "ben"}, {}),
    ],
)
def test_the_exports_of_others_are_understood(
    newsletter: Newsletter, case: str, source: str, added: set[str], stopped: dict[str, str]
) -> None:
    """Only the subscribed become active; each other row is listed with its cause."""
    report = import_csv(CASES / f"{case}.csv", newsletter, **OPTIONS)
    assert active() == added
    assert report.layout.source == source
    assert {row.address.partition("@")[0]: row.cause for row in report.refusals} == stopped
    assert report.rows == report.added + report.refused


ROWS = [
    # Mailchimp: one file for each state, and the words of its API.
    (
        "Email Address,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,LEID",
        "2020-01-01 10:00:00,Spring,1",
        "bounced",
    ),
    ("Email Address,MEMBER_RATING,UNSUB_CAMPAIGN_TITLE,LEID", "2,Spring,1", "unsubscribed"),
    ("email_address,status", "cleaned", "bounced"),
    ("email_address,status", "transactional", "unconfirmed"),
    ("E-Mail-Adresse;Status", "Abgemeldet", "unsubscribed"),
    ("E-Mail-Adresse;Status", "Bereinigt", "bounced"),
    ("Adresse e-mail;Statut", "Désabonné", "unsubscribed"),
    ("Correo electrónico;Estado", "Dado de baja", "unsubscribed"),
    ("Indirizzo email;Stato", "Disiscritto", "unsubscribed"),
    ("E-mailadres;Status", "Afgemeld", "unsubscribed"),
    ("Email,ステータス", "購読解除", "unsubscribed"),
    ("Email,Статус", "Отписан", "unsubscribed"),
    # MailPoet
    ("Email,Global status", "Inactive", "inactive"),
    ("E-Mail;Listenstatus;Globaler Status", "Abonniert;Unbestätigt", "unconfirmed"),
    # Ghost
    ("email,subscribed_to_emails", "FALSE", "unsubscribed"),
    ("email,subscribed_to_emails", "", "unsubscribed"),
    # listmonk
    ("email,name,subscription_status", "A,unsubscribed", "unsubscribed"),
    # beehiiv
    ("email,status,subscription_tier", "inactive,free", "unsubscribed"),
    ("email,status,subscription_tier", "pending,free", "unconfirmed"),
    ("email,status,subscription_tier", "needs_attention,free", "unconfirmed"),
    ("Email,Status,Unsubscribed At", "active,2024-05-01", "unsubscribed"),
    # Kit
    ("email,first_name,status,created_at,tags", "A,cancelled,2024,", "unsubscribed"),
    ("email,first_name,state,created_at,tags", "A,complained,2024,", "complained"),
    ("email,first_name,state,created_at,tags", "A,bounced,2024,", "bounced"),
    ("email,state", "cold", "inactive"),
    # Buttondown
    ("email,type,creation_date", "unactivated,2024", "unconfirmed"),
    ("email,subscriber_type,creation_date", "undeliverable,2024", "bounced"),
    ("email,unsubscription_date,creation_date", "2024-05-01T10:00:00Z,2023", "unsubscribed"),
    ("email,undeliverability_date,creation_date", "2024-05-01,2023", "bounced"),
    # Substack
    ("Email,Email disabled", " True ", "blocked"),
    # Others
    ("Email,Unsubscribed from all email", "Yes", "unsubscribed"),
    ("Email,HasOptedOutOfEmail", "1", "unsubscribed"),
    ("Email,Email Marketing Consent", "NEVER_SUBSCRIBED", "unconfirmed"),
    ("Email,Accepts Email Marketing", "no", "no consent"),
    ("email,accepts_marketing", "no", "no consent"),
    ("email,subscribed", "false", "unsubscribed"),
    ("email,subscribed", "nein", "unsubscribed"),
    ("email,confirmed", "0", "unconfirmed"),
    ("email,email_disabled", "wahr", "blocked"),
    ("email,blacklisted", "1", "blocked"),
    ("email,bounced_at", "03/04/2024", "bounced"),
    ("email,deleted_at", "2024-01-01 00:00:00", "deleted"),
    ("email,complaint_date", "1711929600", "complained"),
    ("Email,Opt-out status", "Yes", "unsubscribed"),
    ("Email,Abmeldedatum", "01.02.2024", "unsubscribed"),
    ("Email,Newsletter", "nein", "unsubscribed"),
    ("Subscriber,Subscribed,Unsubscribed", "2020-01-01,2021-01-01", "unsubscribed"),
    ("Email,Email status", "No permission set", "unconfirmed"),
    # In other writings
    ('"Email","Status"', '"  UNSUBSCRIBED  "', "unsubscribed"),
    ("Email,Status", "un-subscribed", "unsubscribed"),
    ("Email,Status", "Unsubscribed (2024)", "unsubscribed"),
    ("Email,Status", "Hard bounce: user unknown", "bounced"),
    ("Email,Status", "marked_as_spam", "complained"),
    ("Email,Status", "Junk", "complained"),
    (
        "Email,Status",
        "\uff35\uff2e\uff33\uff35\uff22\uff33\uff23\uff32\uff29\uff22\uff25\uff24",
        "unsubscribed",
    ),
    # Unknown, or nothing
    ("Email,Status", "zombie", "unknown state"),
    ("Email,Status", "", "unknown state"),
    ("Email,State", "limbo", "unknown state"),
    ("Email,subscribed", "perhaps", "unknown state"),
    ("Email,Status", "not subscribed", "unconfirmed"),
    ("Email,email_status", "hard_bounce", "bounced"),
    ("Email,opt_in_status", "double_opt_in_pending", "unconfirmed"),
    ("Email,opt_out", "Y", "unsubscribed"),
    ("Email,consent", "denied", "no consent"),
    ("Email,marketing_consent", "withdrawn", "unsubscribed"),
    ("Email,gdpr_consent", "false", "no consent"),
    ("Email,Suspended", "yes", "blocked"),
    ("Email,Einwilligung", "nein", "no consent"),
    ("Email,Iscritto", "no", "unsubscribed"),
    ("Email,\u05e1\u05d8\u05d8\u05d5\u05e1", "\u05d4\u05d5\u05e1\u05e8", "unsubscribed"),
    ("Email,Status", "Unsubscribed\u200b\u00a0", "unsubscribed"),
    ("E-mail (@),Status", "disabled", "blocked"),
    ("Email,Account", "inactive", "inactive"),
    ("Email,Type", "blocked", "blocked"),
    # Below no heading that is about it
    ("Email,Remark", "Unsubscribed", "unsubscribed"),
    ("Email,Lists", "email disabled", "blocked"),
]


@pytest.mark.parametrize(("header", "cells", "cause"), ROWS, ids=str)
def test_a_row_that_says_no_is_never_active(
    tmp_path: Path, newsletter: Newsletter, header: str, cells: str, cause: str
) -> None:
    """One list for each way to say so."""
    delimiter = ";" if ";" in header else ","
    report = take(tmp_path, f"{header}\nana@r.example{delimiter}{cells}\n", newsletter)
    assert active() == set()
    assert [refusal.cause for refusal in report.refusals] == [cause]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Email,Status", "Subscribed"),
        ("Email,Status", " ACTIVE "),
        ("E-Mail;Status", "Abonniert"),
        ("Adresse e-mail;Statut", "Abonné"),
        ("Email,Статус", "Подписан"),
        ("Email,ステータス", "購読中"),
        ("Email,State", "confirmed"),
        ("Email,City,State", "Austin,TX"),
        ("Email,State", "TX"),
        ("Email,Active subscription,Email disabled", "false,false"),
        ("Email,Payment status,Plan", "cancelled,free"),
        ("Email,SMS marketing status", "unsubscribed"),
        ("Email,Unsubscribe link", "https://r.example/u/1"),
        ("Email,Unsubscribe", "https://r.example/u/1"),
        ("Email,Unsubscribed", "0000-00-00 00:00:00"),
        ("Email,unsubscribed_at", "NULL"),
        ("Email,bounced", "no"),
        ("Email,Type", "Paid"),
        ("Email,deleted_at", "0001-01-01T00:00:00Z"),
        ("Email,blocklisted", "-"),
        ("Email,consent", "granted"),
        ("Email,Consent", "I want the weekly letter"),
        ("email,subscribed_at,confirmed_at,unsubscribed_at", "2024-01-01,2024-01-02,"),
        ("Subscriber,Subscribed,Unsubscribed", "2020-01-01,"),
        ("Email,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME", "2018-02-12 17:59:31,1.2.3.4,2018-02-12"),
        ("Email,Marketing Permissions", "Email"),
        ("Email,Marketing Permissions", ""),
        ("email,status,subscription_tier", "active,premium"),
        ("email,type,creation_date", "premium,2024"),
        ("email,Email Marketing Consent", "SUBSCRIBED"),
        ("Email,Accepts Email Marketing", "yes"),
        ("email,newsletter", "weekly"),
        ("Email,Tags", "bounced-castle fans"),
        ("Email,Note", "He unsubscribed from the paper, not from the mail"),
    ],
    ids=str,
)
def test_a_row_that_says_yes_is_active(
    tmp_path: Path, newsletter: Newsletter, header: str, cells: str
) -> None:
    """Nobody is left out for a column about something else."""
    delimiter = ";" if ";" in header else ","
    report = take(tmp_path, f"{header}\nana@r.example{delimiter}{cells}\n", newsletter)
    assert [refusal.reason for refusal in report.refusals] == []
    assert active() == {"ana"}


def test_one_row_of_a_person_is_enough(tmp_path: Path, newsletter: Newsletter) -> None:
    """Whichever comes first, and in whichever spelling."""
    content = (
        "email,status\nana@r.example,subscribed\nben@r.example,unsubscribed\n"
        "ANA@R.example,bounced\nBen@r.example,subscribed\ncid@r.example,subscribed\n"
    )
    report = take(tmp_path, content, newsletter)
    assert active() == {"cid"}
    assert report.refused == 4
    assert "in line 4" in report.refusals[0].reason


def test_who_left_here_stays_away(tmp_path: Path, newsletter: Newsletter) -> None:
    """However active another system thinks that they are."""
    left = make_subscriber(newsletter, email="ana@r.example")
    Subscription.objects.filter(subscriber=left).update(state="unsubscribed")
    suppress("ben@r.example", reason="complaint", now=NOON)
    content = "email,status\nana@r.example,active\nben@r.example,active\n"
    report = take(tmp_path, content, newsletter)
    assert active() == set()
    assert set(report.causes) == {"unsubscribed here", "suppressed here"}


def test_stopped_addresses_are_suppressed_if_the_importer_wants_that(
    tmp_path: Path, newsletter: Newsletter
) -> None:
    """For this newsletter, once, with what the list said; the unconfirmed may still sign up."""
    make_subscriber(newsletter, email="dee@r.example")
    suppress("eve@r.example", reason="complaint", now=NOON)
    content = (
        "email,status\nana@r.example,active\nben@r.example,unsubscribed\ncid@r.example,bounced\n"
        "dee@r.example,spam\neve@r.example,unsubscribed\nfay@r.example,pending\n"
        "gus@r.example,zombie\nBEN@r.example,unsubscribed\n"
    )
    report = take(tmp_path, content, newsletter, suppress=True, dry_run=True)
    assert (report.added, report.suppressed, report.active_here) == (1, 3, 1)
    assert Suppression.objects.count() == 1
    report = take(tmp_path, content, newsletter, suppress=True)
    assert (report.added, report.suppressed, report.active_here) == (1, 3, 1)
    rows = Suppression.objects.exclude(reason="complaint").order_by("address_key")
    assert [(row.address_key[:3], row.reason, row.newsletter_id) for row in rows] == [
        ("ben", "unsubscribed", newsletter.pk),
        ("cid", "bounced", newsletter.pk),
        ("dee", "complained", newsletter.pk),
    ]
    assert "“status” says “bounced”" in rows[1].evidence
    assert take(tmp_path, content, newsletter, suppress=True).suppressed == 0


def test_who_unsubscribed_elsewhere_may_return_by_their_own_wish(
    tmp_path: Path, newsletter: Newsletter
) -> None:
    """Nobody else adds them; their own confirmation lifts the suppression, a complaint stays."""
    content = "email,status\nben@r.example,unsubscribed\ndee@r.example,spam\n"
    take(tmp_path, content, newsletter, suppress=True)
    ben, dee = addresses.parse("ben@r.example"), addresses.parse("dee@r.example")
    details: dict[str, Any] = {"via": "page", "wording": "", "now": NOON}
    with pytest.raises(UnsubscribedError):
        subscribe(ben, newsletter, confirmed=True, **details)
    with pytest.raises(AddressSuppressedError):
        subscribe(dee, newsletter, confirmed=False, allow_resubscribe=True, **details)
    pending = subscribe(ben, newsletter, confirmed=False, allow_resubscribe=True, **details)
    assert Suppression.objects.count() == 2
    assert confirm(pending.subscriber_id, newsletter.pk, via="page", ip=None, now=NOON)
    assert active() == {"ben"}
    assert Suppression.objects.get().reason == "complained"


def test_addresses_as_people_write_them(newsletter: Newsletter) -> None:
    """What surrounds them is left out; what is wrong is said, with what to do."""
    report = import_csv(CASES / "odd.csv", newsletter, **OPTIONS)
    emails = set(Subscriber.objects.values_list("email", flat=True))
    assert {email.partition("@")[0] for email in emails} == {
        *("ana", "ben", "cid", "dee", "fay", "gus", "hal+news", "ida", "j\u00f6rg", "mia")
    }
    reasons = {refusal.line: refusal.reason for refusal in report.refusals}
    assert list(reasons) == [6, 8, 13, 14]
    assert "more than one address" in reasons[6]
    assert "same address as in line 7" in reasons[8]
    assert "Did you mean a dot" in reasons[13]
    assert "Did you mean “.com”" in reasons[14]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_states_are_read_in_every_writing(
    tmp_path: Path, newsletter: Newsletter, encoding: str, delimiter: str
) -> None:
    """With quoted line ends, a line for Excel, a second column of addresses."""
    rows = [
        ["E-Mail", "Statut", "Note", "Referrer email"],
        ["ana@r.example", "Abonn\u00e9e", '"two\nlines"', "x@r.example"],
        ["ben@r.example", '"D\u00e9sabonn\u00e9"', "=1+1", "ana@r.example"],
    ]
    content = f"sep={delimiter}\r\n" + "".join(delimiter.join(row) + "\r\n" for row in rows)
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode(encoding))
    report = import_csv(path, newsletter, **OPTIONS)
    assert active() == {"ana"}
    assert [(row.line, row.cause) for row in report.refusals] == [(5, "unsubscribed")]


def test_odd_tables_are_read_or_refused(tmp_path: Path, newsletter: Newsletter) -> None:
    """Never a traceback: an open quotation mark over the sample, thousands of columns."""
    many = "".join(f"r{number}@r.example,{'x' * 1000}\n" for number in range(290))
    report = take(tmp_path, f'email,note\n"ana@r.example,x\n{many}', newsletter)
    assert (report.added, report.refused) == (290, 1)
    with pytest.raises(ImportFileError, match="more than 300 columns"):
        take(tmp_path, f"email{',x' * 400}\nana@r.example\n", newsletter)
    report = take(tmp_path, f"email,status\nana@r.example,active{',' * 5000}\n", newsletter)
    assert "ana" in active()


def test_stray_quotation_marks_hide_nobody(tmp_path: Path, newsletter: Newsletter) -> None:
    """Two of them on two lines are not one cell of two lines; such a cell is read all the same."""
    rows = 'ana@r.example,"x\nben@r.example,"x\ncid@r.example,"Old\nTown"\ndan@r.example,y\n'
    report = take(tmp_path, f"email,note\n{rows}", newsletter)
    assert active() == {"cid", "dan"}
    assert [row.line for row in report.refusals] == [2, 3]


def test_states_are_read_without_a_header(tmp_path: Path, newsletter: Newsletter) -> None:
    """By the cells; and an unmistakable one in a row where no other has any."""
    take(tmp_path, "ana@r.example,Ana,subscribed\nben@r.example,Ben,bounced\n", newsletter)
    assert active() == {"ana"}
    rows = "".join(f"r{number}@r.example,fine\n" for number in range(400))
    take(tmp_path, f"{rows}cid@r.example,unsubscribed\n", newsletter)
    assert "cid" not in active()


def test_a_zip_archive_with_one_list_is_read(tmp_path: Path, newsletter: Newsletter) -> None:
    """Its name counts; several lists are named, and what to do is said."""
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("audience/cleaned_members_export.csv", "email\nana@r.example\n")
        archive.writestr("__MACOSX/._cleaned.csv", "junk")
    assert import_csv(path, newsletter, **OPTIONS).causes == {"bounced": 1}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("subscribed.csv", "email\nben@r.example\n")
    with pytest.raises(ImportFileError, match="2 lists: cleaned_members"):
        import_csv(path, newsletter, **OPTIONS)


def _zipped(**members: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (_zipped(xl__workbook="x"), "spreadsheet"),
        (_zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "spreadsheet"),
        (_zipped(word__document="x"), "Word document"),
        (_zipped(picture="x"), "no CSV file in this zip"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "picture"),
        (b"\0\0\0\x20ftypheic\0\0", "picture"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"<!DOCTYPE html><title>Sign in</title>", "web page"),
        (b'[{"email": "ana@r.example"}]', "JSON"),
        (b"BEGIN:VCARD\nEMAIL:ana@r.example\nEND:VCARD\n", "vCards"),
        (bytes(range(256)) * 20, "not text"),
        (b"\0" * 500, "not text"),
        (b"\xef\xbb\xbf\r\n", "empty"),
    ],
)
def test_a_wrong_file_is_named_in_plain_words(
    tmp_path: Path, newsletter: Newsletter, content: bytes, advice: str
) -> None:
    """Never by its path on this machine."""
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(ImportFileError) as problem:
        import_csv(path, newsletter, **OPTIONS)
    assert advice in str(problem.value)
    assert str(tmp_path) not in str(problem.value)


def test_a_dry_run_reports_the_same_and_changes_nothing(
    tmp_path: Path, newsletter: Newsletter
) -> None:
    """Counts, causes, and the first rows with what becomes of them."""
    make_subscriber(newsletter, email="dee@r.example")
    content = (
        "email,name,status\nana@r.example,Ana,active\nben@r.example,,bounced\nnonsense,,active\n"
        "dee@r.example,,active\n"
    )
    dry = take(tmp_path, content, newsletter, consent="", dry_run=True)
    assert active() == {"dee"}
    assert [(row.line, row.name, row.outcome.partition(":")[0]) for row in dry.preview] == [
        (2, "Ana", "added"),
        (3, "", "bounced"),
        (4, "", dry.preview[2].outcome.partition(":")[0]),
        (5, "", "already subscribed"),
    ]
    report = take(tmp_path, content, newsletter)
    assert (report.rows, report.added, report.unchanged) == (4, 1, 1)
    assert (dry.rows, dry.added, dry.unchanged) == (4, 1, 1)
    assert dry.causes == report.causes
    assert Subscriber.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("cleaned_members_export_1a2b.csv", "bounced"),
        ("unsubscribed_email_audience_export_1a2b.csv", "unsubscribed"),
        ("nonsubscribed_email_audience_export.csv", "unconfirmed"),
        ("Abgemeldete.csv", "unsubscribed"),
        ("suppression-list.csv", "blocked"),
        ("subscribed_members_export.csv", None),
        ("subscribed_and_unsubscribed.csv", None),
        ("all without unsubscribed.csv", None),
        ("cleaners of London.csv", None),
        ("list.csv", None),
    ],
)
def test_the_name_of_a_file_counts(name: str, state: str | None) -> None:
    """Mailchimp exports a file for each state; the nonsubscribed one has no column that says so."""
    assert state_of_file(name) == state


def test_columns_can_be_given_a_meaning(tmp_path: Path, newsletter: Newsletter) -> None:
    """And taken from one, where it misleads."""
    content = "email,status,quiet\nana@r.example,zombie,\nben@r.example,active,yes\n"
    mapping = [("ignored", "status"), ("stopped", "3")]
    report = take(tmp_path, content, newsletter, mapping=mapping)
    assert active() == {"ana"}
    assert report.layout.meanings == ("email", "ignored", "stopped")
    layout = read_layout(tmp_path / "list.csv")
    assert layout.meanings == ("email", "state", "other")
