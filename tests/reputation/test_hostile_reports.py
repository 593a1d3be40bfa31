"""Mail that says it carries a DMARC report, and is made to take time or memory."""

import pytest

from digest.core.mime.bounding import LONGEST_TYPE, is_deep, with_bounded_types
from digest.reputation.dmarc.message import attachments
from digest.reputation.errors import ReputationError
from tests import cpu
from tests.bounces import shapes

_HEAD = b"Subject: Report Domain: courier.example Submitter: post.example Report-ID: r1\n"
_TYPE = b'Content-Type: application/gzip; a="'
_MIXED = _HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
_FILE = b"Content-Type: application/xml\n\n<feedback/>\n"

_TIME = {
    "a quote that opens": _HEAD + _TYPE + b";" * 500_000 + b"\n\nx",
    "a quote that opens, folded": _HEAD + _TYPE + b"\n ;;" * 120_000 + b"\n\nx",
    "a quote that opens behind a lone CR": _HEAD
    + b"X: y\r"
    + _TYPE
    + b"\r ;;" * 120_000
    + b"\r\rx",
    "a quote that opens, in a part": _MIXED + b"--b\n" + _TYPE + b";" * 500_000 + b"\n\nx\n--b--\n",
    "a quote that opens, in many parts": _MIXED
    + (b"--b\n" + _TYPE + b";" * 5_000 + b"\n\nx\n") * 100,
    "a parameter in 20,000 pieces": _HEAD + shapes.in_pieces(b"application/gzip", b"name"),
    "an encoding of 1 MB": _HEAD
    + b"Content-Type: application/gzip\nContent-Transfer-Encoding: "
    + b'"(' * 500_000
    + b"\n\nx",
    "base64 that is none": _HEAD
    + b"Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n"
    + b"=A=" * 300_000,
}


@pytest.mark.parametrize("name", _TIME)
def test_a_report_takes_bounded_time(name: str) -> None:
    """Whatever its shape, it takes less than half a second of a thread."""
    attachments(_HEAD + b"\nwarm up")
    assert cpu.seconds_of(lambda: attachments(_TIME[name])) < 0.5


@pytest.mark.parametrize(
    "content",
    [
        _HEAD
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
            for number in range(1_000)
        ),
        _HEAD + b"Content-Type: message/rfc822\n\n" * 1_000,
        _MIXED + b"--b\n\n" * 100_000,
        _MIXED.replace(b"\n", b"\r") + b"--b\r\r" * 100_000,
        _HEAD + b"a:\n" * 600_000 + b"\nx",
    ],
    ids=["nested", "nested messages", "many parts", "many parts behind lone CRs", "fields"],
)
def test_a_mail_with_too_many_parts_is_refused(content: bytes) -> None:
    """The parser calls itself for each level, and makes an object of each part."""

    def refuse() -> None:
        with pytest.raises(ReputationError, match="too many parts"):
            attachments(content)

    assert cpu.seconds_of(refuse) < 0.5


def test_a_report_among_long_types_is_found() -> None:
    """A type is cut, and what stands behind it is as it was."""
    long = b'Content-Type: text/plain; x="' + b";" * 10_000 + b'"\n\nSee the report.\n'
    content = _MIXED + b"--b\n" + long + b"--b\n" + _FILE + b"--b--\n"
    assert attachments(content) == [b"<feedback/>"]
    assert attachments(content.replace(b"\n", b"\r\n")) == [b"<feedback/>"]


def test_a_type_is_cut_wherever_it_begins() -> None:
    """In the first line too, and with each kind of line ends; a short one stays."""
    for end in (b"\n", b"\r\n", b"\r"):
        long = b"Content-Type: a/b" + (end + b" ;") * LONGEST_TYPE
        rest = end + b"To: x"
        assert with_bounded_types(long + rest) == long[:LONGEST_TYPE] + rest
    short = b"X: y\r\ncontent-TYPE: a/b;\r\n c=d\r\n\r\nbody"
    assert with_bounded_types(short) == short
    assert not is_deep(b"Content-Type: multipart/mixed; boundary=b\n" * 24)
    assert is_deep(b"Content-Type: multipart/mixed; boundary=b\n" * 25)
