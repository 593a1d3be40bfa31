"""Mail that is made to take time or memory, or to say what no database stores."""

from base64 import b64encode

import pytest

from digest.bounces.reading import Kind, read_report
from digest.bounces.reading.charsets import text_of
from tests import cpu
from tests.bounces import shapes

_DAEMON = b"From: MAILER-DAEMON@x\nSubject: failure\n"
_QUOTE = b'Content-Type: text/plain; a="'


def _nested(field: bytes) -> bytes:
    """Return 1,000 parts in each other, whose boundary is named by a field such as "b%d"."""
    lines = [
        b"Content-Type: multipart/mixed; " + field % number + b"\n\n--b%d\n" % number
        for number in range(1000)
    ]
    return _DAEMON + b"".join(lines)


def _report_of(groups: bytes) -> bytes:
    return (
        _DAEMON
        + b"Content-Type: multipart/report; boundary=b\n\n--b\n"
        + b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        + groups
    )


_TIME = {
    "boundaries in pieces": _nested(b"boundary*0=b%d"),
    "boundaries with a charset": _nested(b"boundary*=us-ascii''b%d"),
    "boundaries behind a fold": _nested(b"x=y;\n boundary\n =b%d"),
    "a quote that opens": _DAEMON + _QUOTE + b";" * 250_000 + b"\n\nx",
    "a quote that opens before a fold that was lost": _DAEMON + _QUOTE + b"\n" + b";" * 250_000,
    "quotes that open on many lines": _DAEMON + _QUOTE + b"\n ;;" * 60_000 + b"\n\nx",
    "a quote that opens, in parts": _DAEMON
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + (b"--b\n" + _QUOTE + b";" * 2_000 + b"\n\nx\n") * 120,
    "a parameter in 20,000 pieces": _DAEMON + shapes.in_pieces(b"text/plain", b"charset"),
    "a boundary of 200 KB": _DAEMON
    + b"Content-Type: multipart/mixed; boundary="
    + b"(" * 200_000
    + b"\n\n--x",
    "text in punycode": _DAEMON
    + b"Content-Type: text/plain; charset=punycode\n\n"
    + b"abc-" * 10_000
    + b"9999a" * 40_000,
    "100,000 recipients": _report_of(b"Final-Recipient: rfc822; a@b.example\n" * 100_000),
    "recipients with words of their own": _report_of(
        b"".join(
            b"Final-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp; 550 word%d " % number
            + b"user not the any be " * 20
            + b"\n\n"
            for number in range(1_300)
        )
    ),
    "headers within headers": _DAEMON
    + b"Content-Type: message/rfc822\n"
    + (b"X: " + b"y" * 10_000 + b"\n\nContent-Type: message/rfc822\n") * 22
    + b"\nx",
    "base64 that ends early": _DAEMON
    + b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
    + b"PGJyI" * 50_000,
    "encoded words by the thousand": _DAEMON
    + b"".join(b"X-%d: =?iso-8859-1?q?=3D=3F?= =?x?b?AAA?=\n" % number for number in range(4_000))
    + b"\nx",
    "encoded words that do not end": _DAEMON
    + b"".join(b"X-%d: " % number + b"=?a?q?" * 650 + b"\n" for number in range(64))
    + b"\nx",
}


@pytest.mark.parametrize("name", _TIME)
def test_hostile_mail_takes_bounded_time(name: str) -> None:
    """Whatever its shape, it takes less than half a second of a thread."""
    read_report(b"warm: up\n\n")
    assert cpu.seconds_of(lambda: read_report(_TIME[name])) < 0.5


@pytest.mark.parametrize(
    "encoded",
    [
        "=?utf-7?q?+2AA-?=",
        "=?unicode_escape?q?=5Cud800=5C0?=",
        "=?utf-16?b?ANgA3A==?=",
        "=?cesu-8?b?7aCA?=",
    ],
)
def test_what_is_read_can_be_stored(encoded: str) -> None:
    """Lone surrogates and NUL have no place in a text of PostgreSQL."""
    group = (
        f"Final-Recipient: rfc822; {encoded}kim@mailbox.example\n"
        f"Diagnostic-Code: smtp; 550 {encoded} User unknown\nRemote-MTA: dns; {encoded}\n"
    )
    report = read_report(_report_of(group.encode()))
    assert report.kind == Kind.BOUNCE
    stored = f"{report.text}{report.recipient}{report.reporter}"
    assert stored.encode().decode() == stored
    assert "\0" not in stored


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "raw-unicode-escape", "idna"])
def test_a_text_has_no_lone_surrogates(charset: str) -> None:
    """Python's codecs can make them of octets that look harmless."""
    text = text_of(b"+2AA- \\ud800", charset)
    assert text.encode().decode() == text


@pytest.mark.parametrize(
    ("octets", "charset", "expected"),
    [
        ("Empfänger".encode("latin-1"), "unknown-8bit", "Empfänger"),
        ("Empfänger".encode(), "x-user-defined", "Empfänger"),
        ("Empfänger".encode("cp1252"), "Windows-1252", "Empfänger"),
        ("宛先不明".encode("shift_jis"), "x-sjis", "宛先不明"),
        ("用户不存在".encode("gbk"), "x-gbk", "用户不存在"),
        ("נמען".encode("iso8859_8"), "iso-8859-8-i", "נמען"),
        ("получатель".encode("koi8_r"), "KOI8-R", "получатель"),
        (b"a\xff", "utf-8", "a\ufffd"),
    ],
)
def test_octets_are_read_by_their_charset(octets: bytes, charset: str, expected: str) -> None:
    """Also where a server names it in a way of its own, or not at all."""
    assert text_of(octets, charset) == expected


def test_names_of_charsets_are_not_remembered() -> None:
    """Python keeps each name that it looked up: strangers would fill its memory."""
    import encodings

    before = len(encodings._cache)
    for number in range(50):
        text_of(b"x", f"no-such-charset-{number}")
    assert len(encodings._cache) == before


@pytest.mark.parametrize("kind", ["message/delivery-status", "message/global-delivery-status"])
def test_a_delivery_report_may_be_encoded(kind: str) -> None:
    """RFC 6533 lets the fields be in base64."""
    groups = (
        "Reporting-MTA: dns; mail.news.example\n\nFinal-Recipient: rfc822; kim@mailbox.example\n"
        "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 Benutzer unbekannt\n"
    )
    body = b64encode(groups.encode()).decode()
    parts = shapes.parts_of(
        ("text/plain", "It did not work."),
        (f"{kind}\nContent-Transfer-Encoding: base64", body),
    )
    report = read_report(
        shapes.mail("x@mail.news.example", "Report", 'multipart/report; boundary="b0"', parts)
    )
    assert (report.kind, report.reason) == (Kind.BOUNCE, "userunknown")
    assert report.recipient == "kim@mailbox.example"
