"""Attributes, segments and profiles by API: what is refused, and with which status."""

from typing import Any

import pytest

from digest.api.resources.audience import segments
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes
from digest.subscribers.segments import saving
from tests.api.conftest import Caller
from tests.cast import NOON, make_issue, make_subscriber, make_subscribers

pytestmark = pytest.mark.django_db
VIP = {"rules": [{"field": "tag", "operator": "is", "value": "vip"}]}


def test_what_is_not_valid_is_a_422(caller: Caller, tide: Newsletter) -> None:
    """Rules, values, tags and choices that cannot be."""
    publication, slug = tide.publication, tide.publication.slug
    plan = attributes.define(publication, label="Plan", kind="choice", choices=["Free"], now=NOON)
    segment = saving.create(publication, "VIP", VIP, NOON)
    profile = f"/subscribers/{make_subscriber(tide).pk}/profile"
    unknown = {"rules": [{"field": "colour", "operator": "is", "value": "red"}]}
    day = {"field": "joined", "operator": "after", "value": "9999-12-31"}
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/segments/try", {"publication": slug, "rules": unknown}),
        ("POST", "/segments/try", {"publication": slug, "rules": {"rules": [day]}}),
        ("PATCH", f"/segments/{segment.pk}", {"rules": unknown}),
        ("PATCH", profile, {"publication": slug, "attributes": {"plan": "Gold"}}),
        ("PATCH", profile, {"publication": slug, "attributes": {"city": "Berlin"}}),
        ("PATCH", profile, {"publication": slug, "tags": [","]}),
        ("PATCH", f"/attributes/{plan.pk}", {"choices": []}),
    ]
    for method, path, body in bodies:
        assert caller(method, path, body).status_code == 422, (path, body)


def test_a_conflict_is_a_409(caller: Caller, tide: Newsletter) -> None:
    """A name in use, and what something needs."""
    publication = tide.publication
    body = {"publication": publication.slug, "name": "VIP", "rules": VIP}
    segment = caller.json("POST", "/segments", body, key="a")
    assert caller("POST", "/segments", body, key="b").status_code == 409
    body = {"publication": publication.slug, "label": "City", "kind": "text"}
    attribute = caller.json("POST", "/attributes", body, key="c")
    assert caller("POST", "/attributes", body, key="d").status_code == 409
    rules = {"rules": [{"field": "attribute.city", "operator": "is_set"}]}
    saving.create(publication, "With a city", rules, NOON)
    assert caller("DELETE", f"/attributes/{attribute['id']}").status_code == 409
    make_issue(tide, segment_id=segment["id"])
    assert caller("DELETE", f"/segments/{segment['id']}").status_code == 409


def test_subscribers_that_take_too_long_to_find_are_a_503(
    caller: Caller, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to do; with time, they are listed."""
    make_subscribers(tide, 5_000)
    rules = [{"field": "email", "operator": "contains", "value": "@"} for _ in range(9)]
    none = {"field": "email", "operator": "ends_with", "value": "@nowhere.example"}
    segment = saving.create(tide.publication, "Nobody", {"rules": [*rules, none]}, NOON)
    path = f"/segments/{segment.pk}/subscribers"
    assert caller.json("GET", path)["items"] == []
    monkeypatch.setattr(segments, "PATIENCE", 1)  # milliseconds
    answer = caller("GET", path)
    assert answer.status_code == 503
    assert "Narrow the segment down" in answer.content.decode()
