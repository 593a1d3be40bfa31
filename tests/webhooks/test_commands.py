"""`digest webhook …`."""

import pytest

from digest.webhooks.models import Webhook
from tests.cast import make_publication
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


def test_a_webhook_is_added_listed_tested_and_removed(digest: Digest) -> None:  # noqa: F811
    """Its secret is shown once; an address that does not answer is explained."""
    url = "https://127.0.0.1:1/webhook"
    refused = digest("webhook", "add", "crm", url)
    assert (refused.status, "DIGEST_WEBHOOK_ALLOW" in refused.err) == (1, True)
    make_publication(slug="courier")
    arguments = ("webhook", "add", "crm", "https://crm.invalid/webhook", "--event", "issue.sent")
    webhook = digest(*arguments, "--publication", "courier", "--json").json
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["events"], webhook["publication"]) == (["issue.sent"], "courier")
    assert "crm.invalid" in digest("webhook", "list").out
    assert digest("webhook", "test", "crm").status == 1
    assert digest("webhook", "enable", "crm").status == 0
    assert digest("webhook", "remove", "crm").status == 0
    assert not Webhook.objects.exists()
    assert digest("webhook", "remove", "crm").status == 1
