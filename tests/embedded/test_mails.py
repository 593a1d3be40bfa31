"""Mails are read whatever state they are in, and nothing in them is believed."""

import pytest

from digest.embedded.mailbox import mails

WHOLE = (
    b"Return-Path: <b@courier.example>\r\nDelivered-To: ines@reader.example\r\n"
    b"X-Original-To: ines@reader.example\r\n"
    b"From: =?utf-8?q?The_Saltmarsh_Courier?= <news@courier.example>\r\n"
    b"To: =?utf-8?b?SW7DqXM=?= <ines@reader.example>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=A5s=C3=A4l?=\r\n =?utf-8?q?_return?=\r\n"
    b"Date: Mon, 23 Nov 2026 07:00:00 +0100\r\n"
    b"List-Unsubscribe: <https://digest.example/unsubscribe/abc>, <mailto:x@y.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=C3=A5s=C3=A4l\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"PHA+SGk8L3A+\r\n--b--\r\n"
)


def test_a_mail_is_opened() -> None:
    """Words decoded, parts decoded, envelope apart from the headers."""
    mail = mails.open_mail(WHOLE)
    assert mail.summary.subject == "Gråsäl return"
    assert mail.summary.sender == "The Saltmarsh Courier"
    assert mail.summary.recipient == "ines@reader.example"
    assert mail.summary.sent_at is not None
    assert mail.summary.sent_at.hour == 6
    assert mail.to == "Inés <ines@reader.example>"
    assert mail.text.strip() == "Gråsäl"
    assert mail.html == "<p>Hi</p>"
    assert [name for name, _ in mail.envelope] == list(mails.ENVELOPE)
    assert mail.headers[0][0] == "From"
    assert mail.unsubscribe_url == "https://digest.example/unsubscribe/abc"


def test_headers_alone_give_the_same_line_of_the_list() -> None:
    """The list reads no bodies."""
    assert mails.summary(WHOLE[:700]) == mails.open_mail(WHOLE).summary


def test_without_the_post_header_there_is_no_one_click() -> None:
    """RFC 8058 §3.1: both headers, the second verbatim."""
    assert mails.open_mail(WHOLE.replace(b"-Click", b"-Clock")).unsubscribe_url == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"no header at all",
        b"Subject: =?nonsense?q?x?=\r\nFrom: <<>>,,\r\nDate: yesterday\r\n\r\nx",
        b"Subject: \xff\xfe raw\r\nFrom: =?utf-8?b?!!!?= <\r\n\r\n\xff",
        b"Content-Type: text/html; charset=nonsense\r\n\r\n<p>\xe9</p>",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: multipart/mixed',
        b"Date: Mon, 99 Nov 99999 99:00:00 +9999\r\n\r\n",
    ],
)
def test_a_broken_mail_is_shown_as_far_as_it_goes(raw: bytes) -> None:
    """Every mail has a subject line to click on, and a page."""
    mail = mails.open_mail(raw)
    assert mail.summary.subject
    assert mail.summary.sender


def test_links_open_outside_the_frame() -> None:
    """Our pages refuse to be framed, so a link must leave the frame."""
    html = '<!doctype html><HEAD lang="en"><title>x</title>'
    assert '<HEAD lang="en"><base target="_blank"><title>' in mails.opening_links_outside(html)
    assert mails.opening_links_outside("<p>x") == "<p>x"


@pytest.mark.parametrize("charset", [b"klingon", b"zlib_codec", b"a\x00b", b"idna"])
def test_a_text_in_no_charset_is_shown_all_the_same(charset: bytes) -> None:
    """Whatever a mail calls its charset, the page with it opens."""
    raw = b'Content-Type: text/plain; charset="' + charset + b'"\r\n\r\nTide'
    assert mails.open_mail(raw).text == "Tide"
