"""Events that a webhook lost are asked for."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from anymail.signals import AnymailTrackingEvent
from structlog.testing import capture_logs

from digest.bounces.models import Bounce, ProviderHistory
from digest.bounces.providers import history
from digest.bounces.providers.histories import HISTORIES
from digest.core import clock
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.transports.esp.address import parse_address
from tests.bounces.factories import make_sent, message_id
from tests.bounces.providers.payloads import ADDRESS, UNKNOWN
from tests.cast import make_newsletter, make_subscriber
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db

Page = Callable[[Request, str, str], Answer]  # the call, our token, the server's address


def _mailgun(request: Request, token: str, server: str) -> Answer:
    if "second" not in request.path:
        return Answer.of({"items": [_other()], "paging": {"next": f"{server}mg.x/events/second"}})
    item = {
        "event": "failed",
        "recipient": ADDRESS,
        "timestamp": clock.now().timestamp(),
        "message": {"headers": {"message-id": f"{token}@courier.example"}},
        "delivery-status": {"code": 550, "message": UNKNOWN},
    }
    return Answer.of({"items": [item], "paging": {"next": "https://elsewhere.example/"}})


def _other() -> dict[str, object]:
    """Mailgun's event about a mail that is not ours."""
    return {"event": "failed", "recipient": "ole@mailbox.example", "message": {"headers": {}}}


def _postmark(request: Request, token: str, _server: str) -> Answer:
    if "details" in request.path:
        return Answer.of({"Metadata": {"digest": token}})
    bounce = {"ID": 1, "Type": "HardBounce", "MessageID": "x", "Email": ADDRESS}
    return Answer.of(
        {"Bounces": [bounce | {"Details": UNKNOWN, "BouncedAt": "2026-11-23T12:00:00Z"}]}
    )


def _sparkpost(request: Request, token: str, _server: str) -> Answer:
    if "cursor=initial" in request.path:
        return Answer.of({"results": [], "links": {"next": "/api/v1/events/message?cursor=x"}})
    event = {
        "type": "bounce",
        "bounce_class": "10",
        "raw_reason": UNKNOWN,
        "raw_rcpt_to": ADDRESS,
        "rcpt_meta": {"digest": token},
        "timestamp": clock.now().isoformat(),
    }
    return Answer.of({"results": [event], "links": {}})


def _mailersend(request: Request, token: str, _server: str) -> Answer:
    if request.path.startswith("/domains"):
        return Answer.of({"data": [{"id": "quiet"}, {"id": "busy"}]})
    item = {
        "id": "62f1",
        "type": "hard_bounced",
        "created_at": clock.now().isoformat(),
        "email": {"tags": [token], "recipient": {"email": ADDRESS}},
    }
    other = item | {"email": {"tags": None, "recipient": {"email": "ole@mailbox.example"}}}
    pages = {"page=1&": [other] * 100, "page=2&": [item]} if "busy" in request.path else {}
    return Answer.of({"data": next((row for key, row in pages.items() if key in request.path), [])})


def _brevo(request: Request, _token: str, _server: str) -> Answer:
    row = {"date": clock.now().isoformat(), "event": "hardBounces", "reason": UNKNOWN}
    first_page = [row | {"email": f"r{number}@mailbox.example"} for number in range(500)]
    second = [row | {"email": ADDRESS.upper()}, row | {"email": "rubbish"}]
    return Answer.of({"events": first_page if "offset=0" in request.path else second})


def _sendgrid(request: Request, _token: str, _server: str) -> Answer:
    row = {"created": int(clock.now().timestamp()), "status": "5.1.1", "reason": UNKNOWN}
    rows = [row | {"email": ADDRESS}] if "start_time" in request.path else []
    return Answer.of(rows)


PAGES: dict[str, Page] = {
    "brevo": _brevo,
    "sendgrid": _sendgrid,
    "mailersend": _mailersend,
    "mailgun": _mailgun,
    "postmark": _postmark,
    "sparkpost": _sparkpost,
}


def _add(name: str, server: ProviderServer) -> None:
    host = "mg.x" if name == "mailgun" else "default"
    url = f"anymail+{name}://key@{host}?api_url={quote(server.url, safe='')}"
    registry.add("provider", url, RelayOptions())


@pytest.mark.parametrize("name", PAGES)
def test_lost_events_are_recorded(name: str) -> None:
    """Once an hour, page by page, since the last time; a server that fails is asked again."""
    subscriber = make_subscriber(make_newsletter(), email=ADDRESS)
    token = message_id(make_sent(subscriber), subscriber)
    broken = True

    def answer(request: Request) -> Answer:
        return Answer(500) if broken else PAGES[name](request, token, server.url)

    with ProviderServer(answer, pages=answer) as server:
        _add(name, server)
        assert history.ask_due(clock.now()) == 0
        broken = False
        assert history.ask_due(clock.now()) == 1
        assert Bounce.objects.get().consequence == "hard"
        assert history.ask_due(clock.now()) == 0
        later = clock.now() + timedelta(hours=1)
        assert history.ask_due(later) == 1
        assert ProviderHistory.objects.get().asked_at == later
        assert all("key" in _login(request) for request in server.requests)
    assert Bounce.objects.count() == 1


def _login(request: Request) -> str:
    """Return what a call signs in with; Mailgun's is encoded, and always the same."""
    names = ("Authorization", "X-Postmark-Server-Token", "api-key")
    login = str(next(request.headers[name] for name in names if request.headers[name]))
    return "key" if login == "Basic YXBpOmtleQ==" else login


@pytest.mark.parametrize(
    ("status", "problem"), [(401, "refuses the key"), (403, "refuses"), (429, "asks for a pause")]
)
@pytest.mark.parametrize("name", PAGES)
def test_a_refused_question_is_asked_again(name: str, status: int, problem: str) -> None:
    """What was missed is still asked for, and the log says what to do, without the key."""

    def answer(_request: Request) -> Answer:
        return Answer(status, b'{"message": "no"}')

    with ProviderServer(answer, pages=answer) as server:
        _add(name, server)
        with capture_logs() as logs:
            assert history.ask_due(clock.now()) == 0
    assert ProviderHistory.objects.get().asked_at <= clock.now() - history.EVERY
    [entry] = logs
    assert problem in entry["problem"]
    assert "key@" not in str(entry)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": [{}]}', b'{"items": 1}', b"<p>", b"["])
@pytest.mark.parametrize("name", PAGES)
def test_an_odd_answer_does_not_hold_up_the_others(name: str, body: bytes) -> None:
    """It is asked again; the job goes on."""
    with ProviderServer(lambda _request: Answer(), pages=lambda _request: Answer(200, body)) as odd:
        _add(name, odd)
        assert history.ask_due(clock.now()) in {0, 1}
    assert not Bounce.objects.exists()


@pytest.mark.parametrize(
    ("reply", "status"),
    [("552 5.2.2 mailbox full", "5.2.2"), ("550 5.7.1 spam", "5.7.1"), ("", "")],
)
def test_an_address_in_a_list_is_believed_for_hard_bounces_alone(reply: str, status: str) -> None:
    """Nothing names our mail there, so nothing else follows."""
    make_subscriber(make_newsletter(), email=ADDRESS)
    row = {"created": 1, "email": ADDRESS, "reason": reply, "status": status}
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer.of([row])) as server:
        _add("sendgrid", server)
        assert history.ask_due(clock.now()) == 1
    assert not Bounce.objects.exists()


ODD: tuple[Any, ...] = (None, 7, "x", {}, {"timestamp": "x", "date": "x", "created": "x"})


@pytest.mark.parametrize("name", PAGES)
def test_an_odd_event_does_not_hold_up_the_others(name: str) -> None:
    """It stays in the provider's history for days."""
    subscriber = make_subscriber(make_newsletter(), email=ADDRESS)
    token = message_id(make_sent(subscriber), subscriber)

    def answer(request: Request) -> Answer:
        content = json.loads(PAGES[name](request, token, server.url).body)
        if isinstance(content, list):
            return Answer.of([*ODD, *content])
        keys = set() if request.path.startswith("/domains") else set(content)
        for key in keys & {"items", "Bounces", "results", "data", "events"}:
            content[key] = [*ODD, *content[key]]
        return Answer.of(content)

    with ProviderServer(answer, pages=answer) as server:
        _add(name, server)
        assert history.ask_due(clock.now()) == 1
    assert Bounce.objects.get().consequence == "hard"


def test_a_bounce_of_a_forgotten_message_does_not_hold_up_the_others() -> None:
    """Postmark keeps bounces longer than the messages, whose metadata name our mail."""
    subscriber = make_subscriber(make_newsletter(), email=ADDRESS)
    token = message_id(make_sent(subscriber), subscriber)

    def answer(request: Request) -> Answer:
        if "forgotten" in request.path:
            return Answer.of({"ErrorCode": 701, "Message": "This message does not exist."}, 422)
        content = json.loads(_postmark(request, token, server.url).body)
        if bounces := content.get("Bounces"):
            content["Bounces"] = [bounces[0] | {"MessageID": "forgotten"}, *bounces]
        return Answer.of(content)

    with ProviderServer(answer, pages=answer) as server:
        _add("postmark", server)
        assert history.ask_due(clock.now()) == 1
    assert Bounce.objects.get().consequence == "hard"


def test_a_history_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the job is stopped at its time limit, and begins with the same events again."""
    monkeypatch.setattr(history, "BUDGET", -1.0)

    def answer(request: Request) -> Answer:
        content = json.loads(_postmark(request, "x", server.url).body)
        if bounces := content.get("Bounces"):
            content["Bounces"] = bounces * 300
        return Answer.of(content)

    with ProviderServer(answer, pages=answer) as server:
        _add("postmark", server)
        now = clock.now()
        assert history.ask_due(now) == 1
        assert len(server.requests) == 2
    assert ProviderHistory.objects.get().asked_at == now


@pytest.mark.parametrize(
    ("hours", "goes_on_at"), [((9, 5, 3), 4), ((3, 5, 9), 0), ((2, 0.5, 0), 0)]
)
def test_what_was_cut_off_is_asked_for_next(
    monkeypatch: pytest.MonkeyPatch, hours: tuple[float, ...], goes_on_at: int
) -> None:
    """Where the oldest events come first; where they come last, what is older is not read."""
    now = clock.now()
    events = [
        AnymailTrackingEvent(event_type="opened", timestamp=now - timedelta(hours=row))
        for row in hours
    ]
    seconds = iter([0.0, 2.0])
    clock_of_machine = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr("digest.bounces.providers.history.time", clock_of_machine)
    monkeypatch.setitem(HISTORIES, "mailgun", lambda *_: iter(events))
    address = parse_address("anymail+mailgun://key@mg.x")
    outcome = history._record_since(address, now - 9 * history.EVERY, now, 1.0)
    assert outcome == (0, now - timedelta(hours=goes_on_at))


def test_without_time_the_next_provider_is_asked_at_the_next_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be cut off at its first event, and what is older lost."""
    monkeypatch.setattr(history, "BUDGET", -1.0)
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer.of([])) as server:
        for number in range(2):
            url = f"anymail+sendgrid://key@default?api_url={quote(server.url, safe='')}"
            registry.add(f"provider-{number}", url, RelayOptions())
        now = clock.now()
        assert [history.ask_due(now), history.ask_due(now), history.ask_due(now)] == [1, 1, 0]


def test_a_long_history_is_read_by_one_job() -> None:
    """The next tick does not ask again while the first still reads; nor for ever after a kill."""
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer.of([])) as server:
        _add("sendgrid", server)
        relay, now = Relay.objects.get(name="provider"), clock.now()
        ProviderHistory.objects.create(
            relay=relay, asked_at=now - history.EVERY, lease_until=now + history.LEASE
        )
        assert history.ask_due(now + timedelta(minutes=5)) == 0
        assert history.ask_due(now + history.LEASE) == 1
    assert ProviderHistory.objects.get().lease_until is None


def test_providers_without_a_history_are_not_asked() -> None:
    """Their APIs do not repeat what names our mail."""
    registry.add("provider", "anymail+resend://key@default", RelayOptions())
    assert history.ask_due(clock.now()) == 0
    assert not ProviderHistory.objects.exists()
