"""What strangers and providers send to the address for events that no documentation shows."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from digest.bounces.models import Bounce
from digest.issues.models import Issue
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber, Suppression
from tests import cpu
from tests.bounces.factories import message_id
from tests.bounces.providers.payloads import PROVIDERS, UNKNOWN, Call
from tests.bounces.providers.test_receiving import add_provider, send

pytestmark = pytest.mark.django_db

EVERY = pytest.mark.parametrize("name", PROVIDERS)
UNSIGNED = pytest.mark.parametrize("name", ["postmark", "brevo", "sparkpost"])


@EVERY
def test_a_body_of_50_mb_is_refused_unread(client: Client, name: str) -> None:
    """By its length, before it is in memory."""
    _, relay = add_provider(name)
    body = b'{"x": "' + b"x" * 50_000_000 + b'"}'
    seconds = cpu.seconds_of(lambda: send(client, relay, Call(body)))
    assert send(client, relay, Call(body)) in {400, 413}
    assert seconds < 1


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}",
        b"[" + b"{}," * 200_000 + b"{}]",
        b'{"x": 1e999, "y": NaN, "z": ' + b"9" * 5_000 + b"}",
        b'"\\ud800"',
        b"\xff\xfe\x00",
    ],
    ids=["arrays", "objects", "closed", "deep", "many", "numbers", "surrogate", "no text"],
)
@EVERY
def test_odd_json_is_refused_or_does_nothing(client: Client, name: str, body: bytes) -> None:
    """It is never an error of ours, and takes bounded time."""
    _, relay = add_provider(name)
    statuses: list[int] = []
    seconds = cpu.seconds_of(lambda: statuses.append(send(client, relay, Call(body))))
    assert statuses[0] in {200, 403}
    assert seconds < 2
    assert not Bounce.objects.exists()


def _values(value: Any) -> list[tuple[list[Any], Any]]:
    """Return the paths to all values within JSON."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = [
        ([key, *path], leaf)
        for key, item in items
        for path, leaf in (_values(item) if isinstance(item, dict | list) and item else [([], 0)])
    ]
    return [*inner, *(([key], 0) for key in (value if isinstance(value, dict) else ()))]


def _changed(body: bytes, path: list[Any], to: Any) -> bytes:
    content = json.loads(body)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(content).encode()


@UNSIGNED
def test_values_of_other_types_are_no_errors(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """Each value of an event in turn is a number, null, a list, an object, a deep one."""
    provider, relay = add_provider(name)
    body = provider.call(message_id(issue, subscriber), UNKNOWN).body
    for path, _ in _values(json.loads(body)):
        for other in (7, None, [], ["x"], {}, {"x": {"x": "\x00"}}, True, "x" * 30_000):
            assert send(client, relay, Call(_changed(body, path, other))) in {200, 403}, path


def _complaint_first(call: Callable[..., Call], token: str) -> list[Call]:
    return [call(token, "", complaint=True), call(token, UNKNOWN)]


@EVERY
def test_events_fit_in_any_order(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """A complaint before the bounce, each twice: one row for each, and the suppression stays."""
    provider, relay = add_provider(name)
    calls = _complaint_first(provider.call, message_id(issue, subscriber))
    for call in [*calls, *reversed(calls)]:
        assert send(client, relay, call) == 200
    assert sorted(Bounce.objects.values_list("is_complaint", flat=True)) == [False, True]
    assert Suppression.objects.get().reason == "complained"


@EVERY
def test_an_event_may_come_before_our_own_record(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """The delivery still is in flight: the provider was faster than our ledger."""
    Delivery.objects.update(state=Delivery.State.QUEUED, settled_at=None, reply_code=None)
    provider, relay = add_provider(name)
    assert send(client, relay, provider.call(message_id(issue, subscriber), UNKNOWN)) == 200
    assert Bounce.objects.get().consequence == "hard"
    assert Suppression.objects.get().address_key == subscriber.address_key
