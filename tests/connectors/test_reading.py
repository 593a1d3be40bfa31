"""What systems say of their articles, and what strangers could say in their place."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.connectors.actions import Action
from digest.connectors.errors import UnreadableError
from digest.connectors.reading import Change, read_ghost, read_standard
from tests.connectors import ghost
from tests.connectors.ghost import gated, make_call, make_post


def read(body: bytes) -> Change | None:
    """Read a call of Ghost's."""
    return read_ghost(json.loads(body))


def test_a_post_of_ghost_is_an_article() -> None:
    """With its authors, its public tags, its picture, and times in UTC."""
    change = read(ghost.published())
    assert change
    assert change.action == Action.PUBLISH
    entry = change.entry
    assert (entry.guid, entry.url) == (ghost.ID, "https://courier.example/seals/")
    assert (entry.title, entry.byline, entry.section) == (
        "Seals return",
        "Ada Marsh, Ben Quay",
        "Coast",
    )
    assert entry.tags == ("Coast",)
    assert entry.summary == "Forty of them lay on the sandbank."
    assert entry.image.alt == "Seals on a sandbank"
    assert entry.published_at == datetime(2026, 11, 23, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "action"),
    [
        (ghost.published(), Action.PUBLISH),
        (ghost.edited(), Action.CORRECT),
        (ghost.unpublished(), Action.RETRACT),
        (make_call("post.deleted", {}, make_post()), Action.RETRACT),
        (make_call("post.deleted", make_post(), {}), Action.RETRACT),
        (make_call("post.edited", make_post(status="draft"), {"title": "x"}), None),
        (make_call("post.scheduled", make_post(status="scheduled"), {"status": "draft"}), None),
        (make_call("post.published", make_post(status="sent"), {"status": "draft"}), None),
        (b'{"event": "page.published", "page": {"current": {"status": "published"}}}', None),
        (b'{"post": [1, 2]}', None),
    ],
)
def test_what_happened_to_a_post(body: bytes, action: str | None) -> None:
    """Drafts, pages, and posts that are mails alone are nothing for us."""
    change = read(body)
    assert (change.action if change else None) == action
    if action == Action.RETRACT:
        assert change
        assert change.entry.guid == ghost.ID


@pytest.mark.parametrize("visibility", ["members", "paid", "tiers", "filter"])
def test_the_text_of_a_post_for_members_stays_in_ghost(visibility: str) -> None:
    """Its webhook has all of it, and an excerpt of it; headline and own excerpt are for all."""
    change = read(ghost.published(visibility=visibility))
    assert change
    assert (change.entry.body_html, change.entry.summary) == ("", "")
    assert change.entry.title == "Seals return"
    change = read(ghost.published(visibility=visibility, custom_excerpt="Forty of them."))
    assert change
    assert change.entry.summary == "Forty of them."


@pytest.mark.parametrize(
    ("block", "is_hidden"),
    [
        (gated('nonMember:false memberSegment:"status:-free"'), True),
        (gated('nonMember:false memberSegment:"status:free,status:-free"'), True),
        (gated('nonMember:false memberSegment:""'), True),
        (gated('memberSegment:"status:-free"'), True),
        (gated("nonMember:false", end="en"), True),
        (gated("nonMember:false", "<p>One</p>\n<p>Where they sleep.</p>"), True),
        (gated('nonMember:true memberSegment:""'), False),
        (gated('nonMember:true memberSegment:"status:free,status:-free"'), False),
    ],
)
def test_a_block_for_members_stays_in_ghost(block: str, is_hidden: bool) -> None:  # noqa: FBT001
    """Of a public post; what everybody sees comes, also behind it."""
    html = f"<p>Forty of them.</p>{block}"
    excerpt = "Forty of them. Where they sleep."
    change = read(ghost.published(html=html, excerpt=excerpt))
    assert change
    assert ("Where they sleep" in change.entry.body_html) is not is_hidden
    assert change.entry.body_html.startswith("<p>Forty of them.</p>")
    assert change.entry.summary == ""
    behind = gated("nonMember:false") + "<p>In winter.</p>" + block + "<p>In spring.</p>"
    change = read(ghost.published(html=behind))
    assert change
    assert "In winter" in change.entry.body_html


def test_the_plain_webhook_has_the_fields_of_the_api() -> None:
    """And says by its type what happened."""
    data = {
        "url": "https://courier.example/1",
        "guid": "cms-1",
        "title": "Seals return",
        "tags": ["Coast", "", 3, "Coast"],
        "updated_at": "2026-11-23T12:00:00+01:00",
    }
    change = read_standard({"type": "article.updated", "data": data})
    assert change
    assert (change.action, change.entry.guid, change.entry.tags) == (
        Action.CORRECT,
        "cms-1",
        ("Coast",),
    )
    assert change.entry.updated_at == datetime(2026, 11, 23, 11, tzinfo=UTC)
    retracted = read_standard(
        {"type": "article.retracted", "data": {"guid": "cms-1", "note": "Wrong\r\nfigures"}}
    )
    assert retracted
    assert (retracted.action, retracted.note) == (Action.RETRACT, "Wrong figures")
    assert read_standard({"type": "test", "data": {}}) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "not a type"),
        ({"type": "article.deleted"}, "article.retracted"),
        ({"type": "article.published"}, "guid or its url"),
        ({"type": "article.published", "data": {"guid": "1", "title": "x"}}, "url"),
        (
            {"type": "article.published", "data": {"url": "javascript:alert(1)", "title": "x"}},
            "url",
        ),
        ({"type": "article.published", "data": {"url": "https://a.example/"}}, "title"),
        ({"type": "article.retracted", "data": []}, "guid or its url"),
    ],
)
def test_a_call_that_says_too_little_is_told_what_is_missing(
    body: dict[str, Any], reason: str
) -> None:
    """Its sender's log then has the reason."""
    with pytest.raises(UnreadableError, match=reason):
        read_standard(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@given(fields=st.dictionaries(st.sampled_from([*make_post(), "event"]), JSON), status=JSON)
def test_no_post_breaks_the_reading(fields: dict[str, Any], status: Any) -> None:
    """Whatever types the values have."""
    change = read_ghost(
        {"event": "post.published", "post": {"current": fields, "previous": {"status": status}}}
    )
    assert change is None or "\x00" not in repr(change.entry)
