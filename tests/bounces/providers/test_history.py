"""Events that a webhook lost are asked for."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from digest.bounces.models import Bounce, ProviderHistory
from digest.bounces.providers import history
from digest.core import clock
from digest.relays import registry
from digest.relays.registry import RelayOptions
from tests.bounces.factories import make_sent, message_id
from tests.bounces.providers.payloads import ADDRESS, UNKNOWN
from tests.cast import make_newsletter, make_subscriber
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["mailgun", "postmark"])
def test_lost_events_are_recorded(name: str) -> None:
    """Once an hour, page by page, since the last time; a server that fails is asked again."""
    subscriber = make_subscriber(make_newsletter(), email=ADDRESS)
    issue = make_sent(subscriber)
    token = message_id(issue, subscriber)
    broken = True

    def answer(request: Request) -> Answer:
        if broken:
            return Answer(500)
        if "details" in request.path:
            return Answer.of({"Metadata": {"digest": token}})
        if name == "postmark":
            bounce = {"ID": 1, "Type": "HardBounce", "MessageID": "x", "Email": ADDRESS}
            return Answer.of(
                {"Bounces": [bounce | {"Details": UNKNOWN, "BouncedAt": "2026-11-23T12:00:00Z"}]}
            )
        if "second" in request.path:
            return Answer.of({"items": [], "paging": {}})
        item = {
            "event": "failed",
            "recipient": ADDRESS,
            "timestamp": clock.now().timestamp(),
            "message": {"headers": {"message-id": f"{token}@courier.example"}},
            "delivery-status": {"code": 550, "message": UNKNOWN},
        }
        return Answer.of({"items": [item], "paging": {"next": f"{server.url}mg.x/events/second"}})

    with ProviderServer(answer, pages=answer) as server:
        host = "mg.x" if name == "mailgun" else "default"
        url = f"anymail+{name}://key@{host}?api_url={quote(server.url, safe='')}"
        registry.add("provider", url, RelayOptions())
        assert history.ask_due(clock.now()) == 0
        broken = False
        assert history.ask_due(clock.now()) == 1
        assert Bounce.objects.get().consequence == "hard"
        assert history.ask_due(clock.now()) == 0
        later = clock.now() + timedelta(hours=1)
        assert history.ask_due(later) == 1
        assert ProviderHistory.objects.get().asked_at == later
    assert Bounce.objects.count() == 1
