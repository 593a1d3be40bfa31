"""`digest hook …`."""

import pytest

from digest.hooks.models import WebHook
from tests.cast import make_publication
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


def test_a_hook_is_added_listed_tested_and_removed(digest: Digest) -> None:  # noqa: F811
    """Its secret is shown once; an address that does not answer is explained."""
    url = "https://127.0.0.1:1/hook"
    refused = digest("hook", "add", "crm", url)
    assert (refused.status, "DIGEST_FETCH_ALLOW" in refused.err) == (1, True)
    make_publication(slug="courier")
    words = ("hook", "add", "crm", "https://crm.invalid/hook", "--event", "edition.sent")
    made = digest(*words, "--publication", "courier", "--json").facts
    assert made["secret"].startswith("whsec_")
    assert (made["events"], made["publication"]) == (["edition.sent"], "courier")
    assert "crm.invalid" in digest("hook", "list").out
    assert digest("hook", "test", "crm").status == 1
    assert digest("hook", "enable", "crm").status == 0
    assert digest("hook", "remove", "crm").status == 0
    assert not WebHook.objects.exists()
    assert digest("hook", "remove", "crm").status == 1
