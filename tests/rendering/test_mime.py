"""What is written is what mail programs read, and no line of it is anybody else's."""

import quopri
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.core import text as text_lines
from digest.rendering import mime
from digest.rendering.errors import RenderingError
from tests.rendering.mails import display_name, opened

Test = TypeVar("Test", bound=Callable[..., None])
TEXT = st.text(max_size=300)
HOSTILE = [
    "x\r\nBcc: e@e.example",
    "lone \r return",
    "nul \x00 byte",
    "line \u2028 separator",
    "=?utf-8?q?ready=20made?=",
    "=?utf-8?b?QmNjOiBlQGU=?= =?us-ascii?q?x?=",
    '"quoted" \\ <angle@brackets.example>, other',
    "a" * 300,
    "日本語の題名" * 30,
    "👩‍👩‍👧‍👦" * 20,
    "half \ud800 character",
    ".\r\n.\r\n",
    "",
]


def hostile_text(test: Test) -> Test:
    """Give a property each of the nasty texts, beside what hypothesis thinks of."""
    for text in HOSTILE:
        test = example(text)(test)
    return test


def one_line(text: str) -> str:
    """What a subscriber should see of a text that was made one line."""
    return " ".join(text_lines.one_line(text, len(text)).split())


def field_lines(raw: bytes) -> list[bytes]:
    """A field's lines, having checked that all but the first are continued."""
    assert raw.endswith(b"\r\n")
    lines = raw[:-2].split(b"\r\n")
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert not any(octet in line for line in lines for octet in (b"\r", b"\n", b"\0"))
    return lines


@hostile_text
@given(TEXT)
def test_quoted_printable_returns_what_went_in(text: str) -> None:
    """Any text comes back from its piece; the piece ends a line, and lines are at most 76 long."""
    whole = text.encode("utf-8", "replace")
    piece = mime.quoted(text)
    assert quopri.decodestring(piece).replace(b"\r\n", b"\n") == whole
    assert not piece or piece.endswith(b"\r\n")
    for line in piece.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))


@given(st.lists(TEXT, max_size=6))
def test_pieces_concatenate(texts: list[str]) -> None:
    """Pieces encoded one by one and joined read as the joined text."""
    joined = b"".join(map(mime.quoted, texts))
    expected = "".join(texts).encode("utf-8", "replace")
    assert quopri.decodestring(joined).replace(b"\r\n", b"\n") == expected


@hostile_text
@given(TEXT)
def test_subject_comes_back(text: str) -> None:
    """Any subject reads as one line of the same words, folded within 78, in ASCII."""
    raw = mime.text_field("Subject", text)
    lines = field_lines(raw)
    assert all(len(line) <= 78 for line in lines)
    assert raw.isascii()
    message = opened(raw + b"\r\n")
    assert message.keys() == ["Subject"]
    assert " ".join(message["Subject"].split()) == one_line(text)


@hostile_text
@given(TEXT)
def test_encoded_words_hold_whole_characters(text: str) -> None:
    """Each encoded-word is at most 75 long and decodes by itself."""
    for token in mime.text_field("Subject", f"é{text}").decode().split()[1:]:
        assert len(token) <= 75
        assert token.startswith("=?utf-8?")
        opened(f"Subject: {token}\r\n\r\n".encode())


@hostile_text
@given(TEXT)
def test_display_name_comes_back(text: str) -> None:
    """Any name stands before its address and changes neither the address nor other fields."""
    raw = mime.mailbox_field("To", text[:100], "ines@reader.example")
    field_lines(raw)
    message = opened(raw + b"\r\n")
    assert message.keys() == ["To"]
    (address,) = message["To"].addresses
    assert address.addr_spec == "ines@reader.example"
    assert " ".join(display_name(raw + b"\r\n", "To").split()) == one_line(text[:100])


@pytest.mark.parametrize(
    "name",
    [
        "The Association of Regional Newspapers and Periodicals of the Saltmarsh Coast",
        "The Association of Regional Newspapers, Periodicals (and Radio) of the Saltmarsh Coast",
    ],
)
def test_long_name_in_ascii_is_folded(name: str) -> None:
    """A long name in ASCII, bare or in quotes, stays readable: folded at a space, not encoded."""
    raw = mime.mailbox_field("From", name, "news@courier.example")
    lines = field_lines(raw)
    assert len(lines) > 1
    assert b"=?" not in raw
    assert all(len(line) <= 78 for line in lines)
    (address,) = opened(raw + b"\r\n")["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "news@courier.example")


def test_feedback_id_has_four_different_values() -> None:
    """Gmail takes four fields, none of them twice, the last one of 5 to 15 characters."""
    raw = mime.feedback_id_field("courier", "courier\r\nBcc: x")
    values = raw.decode().removeprefix("Feedback-ID: ").removesuffix("\r\n").split(":")
    assert values == ["n-courier", "p-courierBccx", "issue", "digest"]
    assert 5 <= len(values[-1]) <= 15


@pytest.mark.parametrize("name", HOSTILE)
def test_list_id_is_never_encoded(name: str) -> None:
    """List-Id carries a plain name or none, never an encoded-word (RFC 2919)."""
    raw = mime.list_id_field(name, "tide.courier.example")
    field_lines(raw)
    assert b"=?" not in raw
    assert raw.endswith(b"<tide.courier.example>\r\n")


def test_plain_list_name_is_shown() -> None:
    """An ASCII name stands as it is, quoted where it must be."""
    assert (
        mime.list_id_field("Morning Tide", "t.example") == b"List-Id: Morning Tide <t.example>\r\n"
    )
    assert mime.list_id_field("A.M.", "t.example") == b'List-Id: "A.M." <t.example>\r\n'


def test_links_stand_on_one_line() -> None:
    """However long a link is, it is not folded (cpython#85725)."""
    url = "https://digest.example/unsubscribe/" + "a" * 300
    assert mime.url_field("List-Unsubscribe", url) == f"List-Unsubscribe: <{url}>\r\n".encode()


@pytest.mark.parametrize(
    "url",
    [
        "https://e.example/\r\nBcc: x",
        "https://e.example/ b",
        "https://e.example/>,<mailto:x@y>",
        "https://é.example/",
        "javascript:alert(1)",
        "https://e.example/" + "a" * 2000,
        "",
    ],
)
def test_links_that_may_not_stand_in_a_header(url: str) -> None:
    """Anything but a plain web address is refused."""
    with pytest.raises(RenderingError, match="not a web address"):
        mime.url_field("List-Unsubscribe", url)


@pytest.mark.parametrize(
    "email",
    [
        "a@b\r\nBcc: x@y",
        "a b@c.example",
        "<a@c.example>",
        "a@b@c.example",
        "a,b@c.example",
        "a",
        "",
        "@",
    ],
)
def test_addresses_that_are_none(email: str) -> None:
    """An address that could end a line or name two people is refused."""
    with pytest.raises(RenderingError, match="not a valid"):
        mime.mailbox_field("To", "", email)


def test_unicode_domain_goes_in_a_labels() -> None:
    """A domain beyond ASCII is written in A-labels; the field stays ASCII."""
    assert (
        mime.mailbox_field("To", "", "ines@bücher.example") == b"To: ines@xn--bcher-kva.example\r\n"
    )


def test_unicode_local_part_is_raw() -> None:
    """A local part beyond ASCII has no other form than UTF-8 (RFC 6532)."""
    raw = mime.mailbox_field("To", "", "inés@bücher.example")
    assert raw.decode() == "To: inés@xn--bcher-kva.example\r\n"


@pytest.mark.parametrize("bad", ["a", "a b@c", "a@b\r\nX: y", "<a@b>c", "a@é", "a@b@c"])
def test_message_ids_that_are_none(bad: str) -> None:
    """A Message-ID is left@right in ASCII, or refused."""
    with pytest.raises(RenderingError, match="not a Message-ID"):
        mime.message_id_field(bad)


@pytest.mark.parametrize("written", ["1.2@courier.example", "<1.2@courier.example>"])
def test_message_id_has_its_brackets_once(written: str) -> None:
    """Angle brackets are added where they are missing."""
    assert mime.message_id_field(written) == b"Message-ID: <1.2@courier.example>\r\n"


def test_date_needs_a_zone() -> None:
    """A date is written with its offset; one without a zone is refused."""
    assert mime.date_field(datetime(2026, 11, 23, 7, tzinfo=UTC)) == (
        b"Date: Mon, 23 Nov 2026 07:00:00 +0000\r\n"
    )
    with pytest.raises(RenderingError, match="no time zone"):
        mime.date_field(datetime(2026, 11, 23, 7))  # noqa: DTZ001  that is the point


def test_language_that_is_none_is_left_out() -> None:
    """Content-Language is a language tag or absent."""
    assert mime.language_field("de-AT") == b"Content-Language: de-AT\r\n"
    assert mime.language_field("en\r\nBcc: x") == b""
