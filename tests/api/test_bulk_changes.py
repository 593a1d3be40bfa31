"""Changes to many subscribers by API: prepared, previewed, applied, stopped, undone."""

from typing import Any

import pytest

from digest.accounts.models import AuditEntry
from digest.accounts.scopes import Scope
from digest.bulk import running, selecting
from digest.bulk.models import BulkChange
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.subscribers import profiles
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.api.conftest import Caller, MakeCaller
from tests.cast import (
    NOON,
    make_newsletter,
    make_publication,
    make_subscriber,
    make_subscribers,
    make_subscription,
)

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]
EVERYONE: dict[str, Any] = {"rules": []}
READ, WRITE = Scope.SUBSCRIBERS_READ, Scope.SUBSCRIBERS_WRITE


def prepared(caller: Caller, kind: str, **fields: Any) -> dict[str, Any]:
    """A change that was prepared, of everybody unless the fields say otherwise."""
    selection = {} if {"segment", "subscribers", "rules"} & set(fields) else {"rules": EVERYONE}
    body = {"publication": "courier", "kind": kind, **selection, **fields}
    values: dict[str, Any] = caller.json("POST", "/bulk-changes", body)
    return values


def tags_of(subscriber: Subscriber, newsletter: Newsletter) -> list[str]:
    """The tags that a subscriber has in the publication."""
    return profiles.profile_of(subscriber.pk, newsletter.publication_id).tags


def test_a_tag_is_previewed_applied_and_undone(caller: Caller, tide: Newsletter) -> None:
    """Whoever had the tag before keeps it; the audit log has what happened, without an address."""
    ines, bob = make_subscriber(tide), make_subscriber(tide)
    profiles.add_tag("vip", tide.publication_id, [bob.pk])
    change = prepared(caller, "add-tag", tag="VIP")
    assert (change["state"], change["selected"]) == ("draft", 2)
    path = f"/bulk-changes/{change['id']}"
    preview = caller.json("GET", f"{path}/preview")
    assert preview["changing"]["examples"] == [ines.email]
    assert [group["reason"] for group in preview["not_changing"]] == ["have the tag already"]
    assert tags_of(ines, tide) == []
    applied = caller.json("POST", f"{path}/apply", {"description": preview["description"]})
    assert (applied["state"], applied["changed"]) == ("done", 1)
    assert applied["not_changed"] == {"have the tag already": 1}
    assert applied["undo_until"]
    assert tags_of(ines, tide) == ["vip"]
    assert caller("GET", f"{path}/preview").status_code == 409
    undone = caller.json("POST", f"{path}/undo")
    assert (undone["state"], undone["restored"]) == ("undone", 1)
    assert (tags_of(ines, tide), tags_of(bob, tide)) == ([], ["vip"])
    assert caller("POST", f"{path}/undo").status_code == 409
    actions = AuditEntry.objects.values_list("action", "target")
    assert "Add the tag “vip”: 1 of 2 subscribers changed" in [action for action, _ in actions]
    assert not any("@" in f"{action}{target}" for action, target in actions)


def test_it_is_about_a_segment_or_named_subscribers(caller: Caller, tide: Newsletter) -> None:
    """Of the publication alone, and of one kind only."""
    ines, bob = make_subscriber(tide), make_subscriber(tide)
    stranger = make_subscriber(make_newsletter())
    profiles.add_tag("press", tide.publication_id, [bob.pk])
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "press"}]}
    segment = saving.create(tide.publication, "Press", rules, NOON)
    change = prepared(caller, "add-tag", tag="vip", segment=segment.pk)
    assert (change["selected"], change["selection"]) == (1, "Segment: Press")
    change = prepared(caller, "add-tag", tag="vip", rules=rules)
    assert (change["selected"], "press" in change["selection"]) == (1, True)
    change = prepared(caller, "add-tag", tag="vip", subscribers=[ines.pk, stranger.pk])
    assert change["selected"] == 1
    foreign = saving.create(make_publication(), "Foreign", EVERYONE, NOON)
    body = {"publication": "courier", "kind": "add-tag", "tag": "vip"}
    for selection in ({}, {"segment": segment.pk, "rules": rules}, {"segment": foreign.pk}):
        assert caller("POST", "/bulk-changes", body | selection).status_code == 422, selection
    assert caller("POST", "/bulk-changes", body | {"subscribers": [stranger.pk]}).status_code == 409


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "add-tag", "tag": ","},
        {"kind": "attribute", "attribute": "plan", "value": "Gold"},
        {"kind": "invite"},
        {"kind": "remove", "newsletter": "flood"},
        {"kind": "pause"},
        {"kind": "pause", "until": "2001-01-01"},
        {"kind": "rename"},
        {"kind": "add-tag", "tag": "vip", "rules": {"rules": [{"field": "colour"}]}},
    ],
)
def test_what_is_not_valid_is_a_422(
    caller: Caller, tide: Newsletter, fields: dict[str, Any]
) -> None:
    """And nothing is stored."""
    make_subscriber(tide)
    body = {"publication": "courier", "rules": EVERYONE, **fields}
    assert caller("POST", "/bulk-changes", body).status_code == 422
    assert not BulkChange.objects.exists()


def test_mail_and_erasure_need_their_own_scopes(make_caller: MakeCaller, tide: Newsletter) -> None:
    """When it is prepared and when it is applied; and an erasure names its number."""
    ines, flood = make_subscriber(tide), make_newsletter(slug="flood", publication=tide.publication)
    limited, sender = (
        make_caller(READ, WRITE),
        make_caller(READ, WRITE, Scope.ISSUES_SEND, name="m"),
    )
    owner = make_caller(READ, WRITE, Scope.SUBSCRIBERS_ERASE, name="e")
    body = {"publication": "courier", "kind": "invite", "newsletter": "flood", "rules": EVERYONE}
    assert limited("POST", "/bulk-changes", body).status_code == 403
    change = prepared(sender, "invite", newsletter="flood")
    assert limited("POST", f"/bulk-changes/{change['id']}/apply", {}).status_code == 403
    applied = sender.json("POST", f"/bulk-changes/{change['id']}/apply", {})
    assert (applied["changed"], applied["undo_until"]) == (1, None)
    assert Notice.objects.filter(email=ines.email).exists()
    assert flood.subscriptions.filter(state="active").count() == 0
    change = prepared(owner, "erase")
    path = f"/bulk-changes/{change['id']}/apply"
    assert sender("POST", path, {"selected": 1}).status_code == 403
    assert owner("POST", path, {}).status_code == 409
    assert Subscriber.objects.exists()
    assert owner.json("POST", path, {"selected": 1})["state"] == "running"
    running.run_due(NOON)
    assert not Subscriber.objects.exists()


def test_a_large_one_is_watched_and_stopped(
    caller: Caller, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was changed until then can be undone."""
    monkeypatch.setattr(selecting, "CHUNK", 2)
    make_subscribers(tide, 5)
    change = prepared(caller, "add-tag", tag="vip")
    path = f"/bulk-changes/{change['id']}"
    assert caller.json("POST", f"{path}/apply", {})["state"] == "running"
    running.run_chunks(NOON, most=1)
    assert caller.json("GET", path)["changed"] == 2
    assert caller.json("POST", f"{path}/stop")["state"] == "stopped"
    running.run_chunks(NOON)
    assert caller.json("GET", path)["changed"] == 2
    assert caller.json("POST", f"{path}/undo")["state"] == "undoing"
    running.run_chunks(NOON)
    assert caller.json("GET", path)["state"] == "undone"
    assert caller.json("GET", "/bulk-changes", state="running")["items"] == []
    rows = caller.json("GET", "/bulk-changes", publication="courier")["items"]
    assert [row["id"] for row in rows] == [change["id"]]


def test_it_is_refused_if_it_became_another_one(caller: Caller, tide: Newsletter) -> None:
    """And deleted only before it begins."""
    make_subscriber(tide)
    change = prepared(caller, "add-tag", tag="vip")
    path = f"/bulk-changes/{change['id']}"
    answer = caller("POST", f"{path}/apply", {"description": "Add the tag “press”"})
    assert answer.status_code == 409
    assert caller("DELETE", path).status_code == 204
    assert caller("GET", path).status_code == 404
    change = prepared(caller, "remove", newsletter="tide")
    path = f"/bulk-changes/{change['id']}"
    first = caller.json("POST", f"{path}/apply", {}, key="once")
    assert caller.json("POST", f"{path}/apply", {}, key="once") == first
    assert caller("POST", f"{path}/apply", {}).status_code == 409
    assert caller("DELETE", path).status_code == 409


def test_who_left_is_not_brought_back(caller: Caller, tide: Newsletter) -> None:
    """Neither by an invitation nor by undoing somebody's removal."""
    former = make_subscriber(tide)
    flood = make_newsletter(slug="flood", publication=tide.publication)
    make_subscription(former, flood, state="unsubscribed", unsubscribed_at=NOON)
    change = prepared(caller, "invite", newsletter="flood")
    preview = caller.json("GET", f"/bulk-changes/{change['id']}/preview")
    assert preview["changing"]["count"]["number"] == 0
    assert "have unsubscribed" in preview["not_changing"][0]["reason"]
