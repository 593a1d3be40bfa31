"""The blocks of an issue by API: the changes of the console's editor."""

import json
from typing import Any

import pytest

from digest.issues.models import Issue
from digest.subscribers.segments import saving
from tests.api.conftest import Caller
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_newsletter
from tests.cast.pictures import make_picture
from tests.clock import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    """A draft with a lead and two more stories."""
    newsletter = make_newsletter(slug="tide", approval="none")
    source = make_source(newsletter)
    issue = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    for number in range(3):
        make_story(issue, title=f"Story {number}", article=make_article(source))
    return issue


def test_blocks_are_added_changed_moved_and_removed(caller: Caller, issue: Issue) -> None:
    """Each answer is the issue as it is then."""
    path = f"/issues/{issue.pk}"
    document = {"type": "doc", "content": [{"type": "paragraph", "content": [TEXT]}]}
    note = {"kind": "note", "position": 0, "content": {"author": "Ada", "document": document}}
    [first, *_] = caller.json("POST", f"{path}/blocks", note, key="note")["blocks"]
    assert (first["kind"], first["version"], first["content"]["author"]) == ("note", 1, "Ada")
    address = f"{path}/blocks/{first['id']}"
    assert caller("PATCH", address, {"title": "Hello"}).status_code == 409  # no version
    changed = caller.json("PATCH", address, {"title": "Hello", "version": 1, "position": 2})
    assert [row["title"] for row in changed["blocks"]] == ["", "Latest Stories", "Hello"]
    assert caller("PATCH", address, {"title": "Late", "version": 1}).status_code == 409
    hidden = caller.json("PATCH", address, {"hidden": True})["blocks"][2]
    assert (hidden["hidden"], hidden["version"]) == (True, 3)
    assert caller("DELETE", address).status_code == 204
    detail = caller.json("GET", path)
    assert [row["kind"] for row in detail["blocks"]] == ["lead", "latest"]
    undone = caller.json("POST", f"{path}/changes/undo", {"revision": detail["revision"]})
    assert undone["blocks"][2]["content"]["document"] == document
    redone = caller.json("POST", f"{path}/changes/redo", {"revision": undone["revision"]})
    assert len(redone["blocks"]) == 2


def test_whom_an_issue_and_its_parts_are_for_is_said(caller: Caller, issue: Issue) -> None:
    """Of the issue, a block, and a block of the layout: the segment's id, and the topics."""
    tide = issue.newsletter
    segment = saving.create(tide.publication, "Donors", {"rules": []}, NOON).pk
    note = {"kind": "note", "position": 0, "segment": segment}
    answer = caller.json("POST", f"/issues/{issue.pk}/blocks", note, key="note")
    assert [row["segment"] for row in answer["blocks"]] == [segment, None, None]
    assert (answer["segment"], answer["topics"]) == (None, [])
    issue.segment_id, issue.only_topics = segment, ["Coast"]
    issue.save()
    answer = caller.json("GET", f"/issues/{issue.pk}")
    assert (answer["segment"], answer["topics"]) == (segment, ["Coast"])
    block = {"kind": "note", "segment": segment}
    answer = caller.json("POST", "/newsletters/tide/layout", block, key="layout")
    assert answer["layout"][-1]["segment"] == segment
    assert {row["segment"] for row in answer["layout"][:-1]} == {None}


def test_stories_are_added_and_moved(caller: Caller, issue: Issue) -> None:
    """To a block and a place; an article once."""
    path = f"/issues/{issue.pk}"
    picked = make_block(issue, "picked", title="Picked")
    [lead, latest, _] = caller.json("GET", path)["blocks"]
    move = {"block": picked.pk, "position": 0}
    story = latest["stories"][0]
    moved = caller.json("POST", f"{path}/stories/{story}/move", move)["blocks"]
    assert [row["stories"] for row in moved] == [lead["stories"], latest["stories"][1:], [story]]
    article = make_article(issue.newsletter.sources.get())
    added = caller.json("POST", f"{path}/stories", {"article": article.pk, "block": picked.pk})
    assert added["blocks"][2]["stories"][0] == story
    assert added["stories"][-1]["article"] == article.pk
    second = caller("POST", f"{path}/stories", {"article": article.pk})
    assert second.status_code == 409
    assert "already" in json.loads(second.content)["detail"]


def test_an_appeal_of_another_publication_is_not_shown(caller: Caller, issue: Issue) -> None:
    """It is refused, and no block is added."""
    foreign = make_appeal(make_newsletter(slug="flood").publication)
    answer = caller(
        "POST", f"/issues/{issue.pk}/blocks", {"kind": "appeal", "appeal": foreign.pk}, key="a"
    )
    assert answer.status_code == 409
    assert issue.blocks.count() == 2


def test_a_picture_of_another_library_is_refused(caller: Caller, issue: Issue) -> None:
    """In a block of an issue, in a text too, in a layout, and in an appeal."""
    foreign = str(make_picture(make_newsletter(slug="flood").publication).uuid)
    node = {"type": "image", "attrs": {"picture": foreign, "alt": ""}}
    document = {"document": {"type": "doc", "content": [node]}}
    newsletter = issue.newsletter
    appeal = {
        "publication": newsletter.publication.slug,
        "url": "https://x.example",
        "kind": "sponsor",
    }
    calls: list[tuple[str, dict[str, Any]]] = [
        (f"/issues/{issue.pk}/blocks", {"kind": "image", "content": {"picture": foreign}}),
        (f"/issues/{issue.pk}/blocks", {"kind": "text", "content": document}),
        (f"/newsletters/{newsletter.slug}/layout", {"kind": "text", "content": document}),
        ("/appeals", appeal | {"heading": "Marsh", "picture": foreign}),
    ]
    for number, (path, payload) in enumerate(calls):
        answer = caller("POST", path, payload, key=f"p{number}")
        assert answer.status_code in {409, 422}, path
        assert "not in this publication's library" in json.loads(answer.content)["detail"]
    own = str(make_picture(newsletter.publication).uuid)
    path, payload = calls[3]
    assert caller("POST", path, payload | {"picture": own}, key="own").status_code == 201


TEXT = {"type": "text", "text": "Good morning."}
