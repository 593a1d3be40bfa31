"""An issue that is sent through a provider's API."""

from collections import Counter
from pathlib import Path

from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.relays.dkim.generation import generate_key
from digest.relays.models import Relay
from digest.sending import sender
from digest.sending.models import Delivery
from tests.cast import make_running
from tests.provider_server import Answer, ProviderServer, Request
from tests.relays.esp.support import postmark_says


def test_an_issue_goes_out_through_a_provider(settings: Settings, db: None, tmp_path: Path) -> None:
    """The ledger has an outcome for each subscriber: sent, refused, and sent the second time.

    The provider rewrites parts and signs by itself: our signature would not verify.
    """
    issue = make_running(4)
    domain = issue.newsletter.publication.sender_domain
    generate_key(tmp_path / "key.pem", domain, "s1")
    settings.DIGEST_DKIM_KEYS = [f"{domain}:s1:{tmp_path / 'key.pem'}"]
    inactive = {"ErrorCode": 406, "Message": "Inactive recipient."}
    busy = {"ErrorCode": 429, "Message": "Rate limit exceeded."}
    answers = [{1: inactive, 2: busy}]

    def script(request: Request) -> Answer:
        return postmark_says(request, answers.pop() if answers else None)

    with ProviderServer(script) as server:
        settings.DIGEST_SMTP_URL = f"anymail+postmark://key@default?api_url={server.url}"
        sender.send_due()
        assert _states(issue) == {"sent": 2, "failed": 1, "queued": 1}
        Relay.objects.update(retry_at=None)
        sender.send_due()
    assert _states(issue) == {"sent": 3, "failed": 1}
    sent = [message for request in server.requests for message in request.json]
    assert len(sent) == 5
    assert "dkim" not in str(sent).lower()


def _states(issue: Issue) -> dict[str, int]:
    """Return how many deliveries of an issue are in each state."""
    states = Delivery.objects.filter(issue=issue).values_list("state", flat=True)
    return dict(Counter(Delivery.State(state).name.lower() for state in states))
