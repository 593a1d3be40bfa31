"""Mail of persons and their machines that quotes a report, and parts that gateways changed."""

from base64 import b64encode

import pytest

from digest.bounces.reading import Kind, read_report
from digest.bounces.reading.reasons import Reason
from tests.bounces import shapes

_UNNAMED = (
    "Final-Recipient: rfc822; <somebody>\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n"
)
_NAMED = _UNNAMED.replace("<somebody>", shapes.ADDRESS)
_STORY = f"You wrote that a report looks like this:\n\n{_UNNAMED}"
_KIM = f"Kim <{shapes.ADDRESS}>"


@pytest.mark.parametrize("groups", [_UNNAMED, _NAMED])
@pytest.mark.parametrize("mark", ["Auto-Submitted: auto-replied\n", "X-Autoreply: yes\n"])
def test_an_absence_note_quotes_a_report(mark: str, groups: str) -> None:
    """The story that it answers is about reports."""
    body = f"I am away.\n\nYou wrote:\n\n{groups}"
    assert read_report(shapes.note("Re: News", mark, body)).kind == Kind.AUTOMATIC


def test_a_letter_quotes_a_report() -> None:
    """One that names nobody means nothing, and nobody writes from a mailbox that is gone."""
    for text in (_STORY, f"My provider says:\n\n{_NAMED}"):
        assert read_report(shapes.mail(_KIM, "Re: News", "text/plain", text)).kind == Kind.LETTER


def test_a_server_reports_in_the_recipients_own_name() -> None:
    """Nobody can reply to it (RFC 5321 §4.5.5), and it has a server's code; a note has none."""
    nameless = f"{_KIM}\nReturn-Path: <>"
    for sender, text, kind in (
        (nameless, f"<{shapes.ADDRESS}>: 550 5.1.1 User unknown\n", Kind.BOUNCE),
        (nameless, f"The mailbox {shapes.ADDRESS} no longer exists.\n", Kind.LETTER),
        (_KIM, f"<{shapes.ADDRESS}>: 550 5.1.1 User unknown\n", Kind.LETTER),
    ):
        assert read_report(shapes.mail(sender, "Undelivered", "text/plain", text)).kind == kind


def test_a_postmaster_writes_a_letter() -> None:
    """As bulk mail that is sent so by default; it pauses no domain and suppresses nobody."""
    warning = "Your message contains a virus. Confirm the new policy to keep access.\n"
    suspended = "Your account is disabled. Sign in to release six pending messages.\n"
    for sender, text, kind in (
        ("bounce+0f1f92.5b06f2@mg.example", warning, Kind.OTHER),
        ("bounce+0f1f92.5b06f2@mg.example", suspended, Kind.OTHER),
        ("bounce+0f1f92.5b06f2@mg.example", "Your mailbox is full: 95 %.\n", Kind.BOUNCE),
        ("bounce+0f1f92.5b06f2@mg.example", f"550 5.2.1 {suspended}", Kind.BOUNCE),
        ("bounce+0f1f92.5b06f2@mg.example", "We wish you 424 good days.\n", Kind.OTHER),
        ("bounce+0f1f92.5b06f2@mg.example", f"554 5.7.1 {warning}", Kind.BOUNCE),
        ("<>", warning, Kind.BOUNCE),
        ("<>", suspended, Kind.BOUNCE),
        ("postmaster@mg.example", warning, Kind.BOUNCE),
    ):
        author = f"Bank <postmaster@mg.example>\nReturn-Path: {sender}"
        content = shapes.mail(author, "Your account", "text/plain", text)
        assert read_report(content).kind == kind, (sender, text)


def test_a_report_of_a_scanner_returns_the_mail() -> None:
    """It has no other mark; a subscriber who misses a newspaper returns none."""
    text = f"Unknown recipient <{shapes.ADDRESS}>.\nCould not deliver mail to this user.\n"
    for returned, kind in (("", Kind.LETTER), ("Received: by mx.mailbox.example", Kind.BOUNCE)):
        content = shapes.mail("scan@b.example", "Delivery failure", "text/plain", text + returned)
        assert read_report(content).kind == kind


def test_a_report_quotes_the_subject_in_its_own_language() -> None:
    """A headline may hold any words."""
    text = f"无法发送到 {shapes.ADDRESS}\n主题 : kim@a.example undefined\n退信原因: 可用容量不足\n"
    content = shapes.mail("postmaster@a.example", "退信", "text/plain", text)
    assert read_report(content).reason == Reason.MAILBOX_FULL


def test_japanese_in_seven_bits_says_so_itself() -> None:
    """Servers of carriers name no charset (RFC 1468)."""
    text = f"アドレス「{shapes.ADDRESS}」は、登録されていません。\n".encode("iso2022_jp")
    head = "From: error@a.example\nSubject: メールを送信できません\n\n".encode("iso2022_jp")
    assert read_report(head + text).reason == Reason.USER_UNKNOWN


@pytest.mark.parametrize(
    "field", ["In-Reply-To: <1@a.example>", "List-Id: <tide.a.example>", "User-Agent: Thunderbird"]
)
def test_people_talk_about_a_report(field: str) -> None:
    """On a list, say, whose members are told that the address of one of them is gone."""
    text = f"Hello, my mail to Lee just bounced:\n\n<{shapes.ADDRESS}>: 550 5.1.1 User unknown\n"
    content = shapes.mail(f"ann@a.example\n{field}", "Mail delivery failed", "text/plain", text)
    assert read_report(content).kind == Kind.LETTER


def test_a_forwarded_report_in_plain_words_names_somebody() -> None:
    """With several addresses it may be about any of them, and nobody is suppressed for it."""
    for beginning, is_permanent in (("", True), ("I am lee@news.example, not:\n", False)):
        text = f"{beginning}<{shapes.ADDRESS}>: 550 5.1.1 User unknown\n"
        content = shapes.mail("news@news.example", "Fwd: Undelivered mail", "text/plain", text)
        report = read_report(content)
        assert (report.kind, report.permanent) == (Kind.BOUNCE, is_permanent)


def test_a_receipt_without_its_type() -> None:
    """Its fields are those of a report (RFC 8098 §3.2), and it says that the mail arrived."""
    fields = f"Final-Recipient: rfc822;{shapes.ADDRESS}\nDisposition: manual-action; deleted\n"
    text = f"Your mail was deleted, this account does not exist for news.\n\n{fields}"
    assert read_report(shapes.mail(_KIM, "Not read", "text/plain", text)).kind == Kind.LETTER
    kind = "multipart/report; report-type=disposition-notification; boundary=b0"
    body = shapes.parts_of(("text/plain", text), ("text/plain", fields))
    assert read_report(shapes.mail(_KIM, "Not read", kind, body)).kind == Kind.AUTOMATIC


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [("not-spam", Kind.OTHER), ("abuse", Kind.COMPLAINT), ("dmarc", Kind.OTHER)],
)
def test_feedback_without_its_type(feedback: str, kind: Kind) -> None:
    """A gateway made a text of it; "not spam" is not a complaint."""
    body = shapes.parts_of(
        ("text/plain", "This is feedback."), ("text/plain", f"Feedback-Type: {feedback}\n")
    )
    report_type = "multipart/report; report-type=feedback-report; boundary=b0"
    assert read_report(shapes.mail("fbl@isp.example", "Feedback", report_type, body)).kind == kind


def test_a_delivery_report_without_its_type() -> None:
    """A gateway passes it on as an attachment."""
    encoded = b64encode(f"Reporting-MTA: dns; mx.example\n\n{_NAMED}".encode()).decode()
    kind = "application/octet-stream; name=details.txt\nContent-Transfer-Encoding: base64"
    body = shapes.parts_of(("text/plain", "Sorry."), (kind, encoded))
    mixed = "multipart/mixed; boundary=b0"
    report = read_report(shapes.mail("MAILER-DAEMON@x.example", "failure", mixed, body))
    assert (report.reason, report.recipient) == (Reason.USER_UNKNOWN, shapes.ADDRESS)
