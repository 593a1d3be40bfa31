"""A subscriber's mail out of a compiled issue."""

import json
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.core.errors import DigestError
from digest.rendering.compiled import SLOTS, Compiled
from digest.rendering.errors import RenderingError
from digest.rendering.mime import is_smtp_safe
from tests.rendering.mails import (
    INES,
    appeal,
    compiled,
    display_name,
    opened,
    part,
    story,
    wire_faults,
)
from tests.rendering.test_mime import HOSTILE, one_line

APPEAL_KEY = -3  # of the third block
NAMES = st.one_of(st.text(max_size=80), st.sampled_from(HOSTILE))


@pytest.fixture(scope="module")
def tide() -> Compiled:
    """Four stories in two sections and an appeal."""
    culture = [story(2, block="Culture"), story(3, block="Culture")]
    return compiled(story(0), story(1), *culture, appeal=appeal())


def test_headers(tide: Compiled) -> None:
    """Every field that bulk mail needs is there once, and nothing else."""
    message = opened(tide.message(INES))
    assert dict(message.items()) | {"Content-Type": ""} == {
        "From": "The Saltmarsh Courier <news@courier.example>",
        "To": "Inés Carrasco <ines@reader.example>",
        "Subject": "The harbour, the seals and the ferry",
        "Date": "Mon, 23 Nov 2026 12:00:00 +0000",
        "Message-ID": "<7.42.a1b2@courier.example>",
        "List-Id": "The Morning Tide <morning-tide.courier.example>",
        "List-Unsubscribe": "<https://digest.example/unsubscribe/AbC_d-9>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Archive": "<https://digest.example/archive/morning-tide>",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Feedback-ID": "n-morning-tide:p-courier:issue:digest",
        "Content-Language": "en",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert len(message.keys()) == len(set(message.keys()))


def test_two_parts_text_first(tide: Compiled) -> None:
    """multipart/alternative, the plainest part first (RFC 2046 §5.1.4)."""
    message = opened(tide.message(INES))
    assert message.get_content_type() == "multipart/alternative"
    kinds = [subpart.get_content_type() for subpart in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_subscriber_finds_own_address_and_link(tide: Compiled, kind: str) -> None:
    """Both parts name the address and carry the link to leave."""
    text = part(tide.message(INES), kind)
    assert "ines@reader.example" in text
    assert INES.unsubscribe_url in text


def test_two_subscribers_differ_only_where_they_must(tide: Compiled) -> None:
    """Another subscriber's mail is the same but for the slots."""
    other = replace(
        INES, email="tom@reader.example", unsubscribe_url="https://digest.example/unsubscribe/T"
    )
    html, other_html = part(tide.message(INES), "html"), part(tide.message(other), "html")
    assert "ines@" not in other_html
    assert other_html == html.replace(INES.email, other.email).replace(
        INES.unsubscribe_url, other.unsubscribe_url
    )


@settings(max_examples=60, deadline=None)
@given(name=NAMES)
def test_names_never_reach_the_wire_raw(tide: Compiled, name: str) -> None:
    """Whatever a subscriber is called, the mail keeps to the rules and has the same fields."""
    raw = tide.message(replace(INES, name=name))
    assert wire_faults(raw) == []
    message = opened(raw)
    assert message.keys() == opened(tide.message(INES)).keys()
    assert " ".join(display_name(raw, "To").split()) == one_line(name)[:200].strip()


def test_long_links_are_broken_only_softly(tide: Compiled) -> None:
    """A link longer than a line comes out whole in both parts."""
    url = "https://digest.example/unsubscribe/" + "x=y&z." * 60
    raw = tide.message(replace(INES, unsubscribe_url=url))
    assert wire_faults(raw) == []
    assert f"\n{url}\n" in part(raw, "plain")
    assert url.replace("&", "&amp;") in part(raw, "html")


@pytest.mark.parametrize("chosen", [set(), {0}, {1}, {3}, {0, 2}, {1, 2, 3}, {0, 1, 2, 3}])
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_each_choice_of_stories(tide: Compiled, chosen: set[int], kind: str) -> None:
    """A subscriber sees the chosen stories, and a heading only above a story of its block."""
    raw = tide.message(INES, keys=chosen | {APPEAL_KEY})
    assert wire_faults(raw) == []
    text = part(raw, kind)
    for position in range(4):
        assert (f"Story number {position}." in text) == (position in chosen)
    assert ("Culture" in text) == bool(chosen & {2, 3})
    assert "Support us" in text
    assert "Support us" not in part(tide.message(INES, keys=chosen), kind)
    assert INES.unsubscribe_url in text


def test_many_choices_stay_right(tide: Compiled) -> None:
    """Choices beyond those that are remembered come out right too."""
    for number in range(200):
        tide.message(INES, keys={1, number + 10})
    assert "Story number 1." in part(tide.message(INES, keys={1}), "plain")
    assert len(tide._forms) <= 64


@pytest.mark.parametrize(
    "change",
    [
        {"email": "x@y.example\r\nBcc: e@e.example"},
        {"unsubscribe_url": "https://e.example/\r\nBcc: x"},
        {"message_id": "x\r\nBcc: e@e"},
    ],
)
def test_injection_is_refused(tide: Compiled, change: dict[str, Any]) -> None:
    """What would start a line of its own in the head stops the mail."""
    with pytest.raises(RenderingError):
        tide.message(replace(INES, **change))


texts = st.one_of(st.text(max_size=300), st.from_regex(r"[.\r\n =a@-]{0,200}", fullmatch=True))


@given(st.sampled_from(sorted(SLOTS)), texts, texts)
def test_whatever_a_slot_is_given_it_is_smtp_safe(slot: str, text: str, other: str) -> None:
    """Or refused. So the finished mail, which is ready bytes and slots, is not checked again."""
    values: dict[str, Any] = dict.fromkeys(
        ("email", "name", "unsubscribe_url", "message_id", "preferences_url", "click"), text
    )
    changed = replace(INES, **values, unsubscribe_mailto=other, subject=other)
    for recipient in (changed, replace(INES, name=text, click=text, subject=text)):
        with suppress(DigestError):
            assert is_smtp_safe(SLOTS[slot](recipient))


def test_only_a_unicode_local_part_needs_smtputf8(tide: Compiled) -> None:
    """Every other mail is ASCII from end to end."""
    assert tide.message(replace(INES, email="ines@bücher.example")).isascii()
    assert not tide.message(replace(INES, email="inés@reader.example")).isascii()


def test_web_version_has_nothing_personal(tide: Compiled) -> None:
    """The public HTML and text carry no slot, no link to leave and no preheader."""
    for public in (tide.html(), tide.text()):
        assert "Story number 3." in public
        assert "nsubscribe" not in public
        assert "Sent to" not in public
    assert tide.html().startswith("<!DOCTYPE html>")
    assert tide.html().rstrip().endswith("</html>")


def test_stored_form_comes_back(tide: Compiled) -> None:
    """What is stored makes the same mail, to the byte."""
    loaded = Compiled.loads(tide.dumps())
    assert loaded == tide
    assert loaded.message(INES, keys={0, 3}) == tide.message(INES, keys={0, 3})


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"junk",
        zlib.compress(b"{}"),
        zlib.compress(b"[1]"),
        zlib.compress(
            json.dumps({"version": 1, "head_cuts": [["x", "evil", None, False]]}).encode()
        ),
        zlib.compress(b" " * 20_000_000),
    ],
)
def test_anything_else_is_refused(spoiled: bytes) -> None:
    """A stored form that is none, or inflates without end, is a clear error."""
    with pytest.raises(RenderingError, match="Compile it again"):
        Compiled.loads(spoiled)


def test_cut_off_and_other_versions_are_refused(tide: Compiled) -> None:
    """So are a form cut short and one of another version."""
    with pytest.raises(RenderingError, match="Compile it again"):
        Compiled.loads(tide.dumps()[:-20])
    values = json.loads(zlib.decompress(tide.dumps())) | {"version": 99}
    with pytest.raises(RenderingError, match="version 99"):
        Compiled.loads(zlib.compress(json.dumps(values).encode()))
