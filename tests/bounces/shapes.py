"""The shapes in which servers report a refusal, written for these tests, without a database.

Each shape takes a server's reply and returns a whole message. The returned message quotes a story
and a subject that would mean something else if they were read.
"""

import re
from base64 import b64encode
from collections.abc import Callable

ADDRESS = "kim@mailbox.example"
SUBJECT = "Virus spreads, no such user blocked as spam"
RETURNED = (
    "Return-Path: <bounce@news.example>\n"
    "Received: from mail.news.example ([192.0.2.1]) by mx.mailbox.example; 1 Nov 2026\n"
    "From: The Courier <news@news.example>\n"
    f"To: {ADDRESS}\nSubject: {SUBJECT}\nMessage-ID: <original@news.example>\n"
    "\nThe mailbox is full, the user unknown, the account suspended: an evening of theatre.\n"
)


def in_pieces(kind: bytes, parameter: bytes) -> bytes:
    """Return the end of a head and a body: a type with a parameter in 20,000 pieces (RFC 2231)."""
    pieces = b"".join(b"; %s*%d=a" % (parameter, number) for number in range(20_000))
    return b"Content-Type: " + kind + pieces + b"\n\nx"


def status_of(reply: str) -> str:
    """Return the enhanced code in a server's reply, or one that says nothing."""
    match = re.search(r"\b([45]\.\d{1,3}\.\d{1,3})\b", reply)
    code = re.match(r"(?:\S+ said: )?([45])\d\d\b", reply)
    return match[1] if match else f"{code[1] if code else '5'}.0.0"


def mail(sender: str, subject: str, kind: str, body: str, extra: str = "") -> bytes:
    """Return a message to the address that mail returns to."""
    head = (
        f"From: {sender}\nTo: bounce@news.example\nSubject: {subject}\n"
        f"Date: Sun, 1 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n{extra}Content-Type: {kind}\n"
    )
    return f"{head}\n{body}".encode()


def parts_of(*parts: tuple[str, str]) -> str:
    """Return the body of a multipart message with these types and contents."""
    lines = [f"--b0\nContent-Type: {kind}\n\n{body}\n" for kind, body in parts]
    return "".join(lines) + "--b0--\n"


def _report(sender: str, subject: str, text: str, groups: str, *, utf8: bool = False) -> bytes:
    kind = "message/global-delivery-status" if utf8 else "message/delivery-status"
    body = parts_of(
        ("text/plain; charset=utf-8", text), (kind, groups), ("message/rfc822", RETURNED)
    )
    return mail(
        sender, subject, 'multipart/report; report-type=delivery-status; boundary="b0"', body
    )


def _groups(reply: str, action: str = "failed") -> str:
    return (
        "Reporting-MTA: dns; mail.news.example\nArrival-Date: Sun, 1 Nov 2026 09:00:00 +0000\n\n"
        f"Final-Recipient: rfc822; {ADDRESS}\nOriginal-Recipient: rfc822;{ADDRESS}\n"
        f"Action: {action}\nStatus: {status_of(reply)}\nRemote-MTA: dns; mx.mailbox.example\n"
        f"Diagnostic-Code: smtp; {reply}\n"
    )


def postfix(reply: str) -> bytes:
    """A report of Postfix: RFC 3464 with the reply in two places."""
    text = (
        "This is the mail system at host mail.news.example.\n\nI'm sorry to have to inform you "
        "that your message could not\nbe delivered to one or more recipients. It's attached below."
        f"\n\n<{ADDRESS}>: host mx.mailbox.example[192.0.2.7] said:\n    {reply}\n"
    )
    return _report(
        "MAILER-DAEMON@mail.news.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        text,
        _groups(reply),
    )


def internationalized(reply: str) -> bytes:
    """A report in UTF-8 (RFC 6533)."""
    return _report(
        "Mail Delivery System <MAILER-DAEMON@mail.news.example>",
        "Delivery Status Notification",
        reply,
        _groups(reply),
        utf8=True,
    )


def exchange(reply: str) -> bytes:
    """A report whose reply stand in the diagnostic code alone, as Exchange writes it."""
    text = (
        f"Delivery has failed to these recipients or groups:\n\n{ADDRESS}\n\n"
        f"Subject: {SUBJECT}\n\nDiagnostic information for administrators:\n"
    )
    return _report(
        "Microsoft Outlook <postmaster@mailbox.example>",
        f"Undeliverable: {SUBJECT}",
        text,
        _groups(reply),
    )


def exim(reply: str) -> bytes:
    """Exim before it wrote RFC 3464: one text, with the returned message in it."""
    body = (
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n"
        f"  {ADDRESS}\n    host mx.mailbox.example [192.0.2.7]\n"
        f"    SMTP error from remote mail server after RCPT TO:<{ADDRESS}>:\n    {reply}\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED
    )
    return mail(
        "Mail Delivery System <Mailer-Daemon@mail.news.example>",
        "Mail delivery failed: returning message to sender",
        "text/plain",
        body,
        f"X-Failed-Recipients: {ADDRESS}\nAuto-Submitted: auto-replied\n",
    )


def qmail(reply: str) -> bytes:
    """The text of qmail-send (QSBMF)."""
    body = (
        "Hi. This is the qmail-send program at mail.news.example.\nI'm afraid I wasn't able to "
        "deliver your message to the following addresses.\nThis is a permanent error; I've given "
        f"up. Sorry it didn't work out.\n\n<{ADDRESS}>:\n192.0.2.7 does not like recipient.\n"
        f"Remote host said: {reply}\n\n--- Below this line is a copy of the message.\n\n{RETURNED}"
    )
    return mail("MAILER-DAEMON@mail.news.example", "failure notice", "text/plain", body)


def sendmail(reply: str) -> bytes:
    """Sendmail's transcript of the session."""
    body = (
        "The original message was received at Sun, 1 Nov 2026 10:00:00 +0000\nfrom localhost\n\n"
        f"   ----- The following addresses had permanent fatal errors -----\n<{ADDRESS}>\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.mailbox.example.:\n"
        f">>> RCPT To:<{ADDRESS}>\n<<< {reply}\n\n"
        f"   ----- Original message follows -----\n\n{RETURNED}"
    )
    return mail(
        "Mail Delivery Subsystem <MAILER-DAEMON@mail.news.example>",
        "Returned mail: see transcript for details",
        "text/plain",
        body,
    )


def encoded(reply: str) -> bytes:
    """A report in HTML alone, in base64."""
    markup = (
        "<html><head><style>p {color: red}</style></head><body><h1>Your message was not delivered"
        f"</h1><p>To: {ADDRESS}</p><p>The server said:<br>{reply}</p></body></html>"
    )
    body = b64encode(markup.encode()).decode()
    return mail(
        "postmaster@mail.news.example",
        "Delivery failure",
        "text/html; charset=utf-8",
        body,
        "Content-Transfer-Encoding: base64\n",
    )


def delayed(reply: str) -> bytes:
    """A warning that a server still tries."""
    return _report(
        "MAILER-DAEMON@mail.news.example",
        "Delayed Mail (still being retried)",
        "THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.",
        _groups(reply, "delayed"),
    )


def complaint(kind: str = "abuse", returned: str = RETURNED) -> bytes:
    """A feedback report (ARF, RFC 5965)."""
    fields = (
        f"Feedback-Type: {kind}\nUser-Agent: Loop/1.0\nVersion: 1\n"
        f"Original-Rcpt-To: <{ADDRESS}>\nReporting-MTA: dns; loop.mailbox.example\n"
    )
    body = parts_of(
        ("text/plain", "This is an email abuse report."),
        ("message/feedback-report", fields),
        ("message/rfc822", returned),
    )
    kind = 'multipart/report; report-type=feedback-report; boundary="b0"'
    return mail("complaints@mailbox.example", "FW: complaint", kind, body)


def note(subject: str, extra: str = "", body: str = "I am away until Monday.\n") -> bytes:
    """What a person's machine answers."""
    return mail(f"Kim <{ADDRESS}>", subject, "text/plain", body, extra)


FAILURES: dict[str, Callable[[str], bytes]] = {
    "postfix": postfix,
    "internationalized": internationalized,
    "exchange": exchange,
    "exim": exim,
    "qmail": qmail,
    "sendmail": sendmail,
    "encoded": encoded,
}
