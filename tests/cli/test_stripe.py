"""`digest stripe`: the same rules as the console's page."""

from pathlib import Path

import pytest

from digest.entitlements.models import StripeAccount
from digest.newsletters.models import Newsletter
from tests.cli.conftest import Digest
from tests.entitlements.stripe_calls import SECRET

pytestmark = pytest.mark.django_db


def test_stripe_is_connected_set_up_shown_and_disconnected(
    digest: Digest, newsletter: Newsletter, tmp_path: Path
) -> None:
    """Every step says what comes next."""
    of = ("--publication", newsletter.publication.slug)
    assert "is not connected" in digest("stripe", "show", *of).err
    assert "no attribute 'level'" in digest("stripe", "connect", *of, "--attribute", "level").err
    out = digest("stripe", "connect", *of).out
    assert "/stripe/" in out
    assert "customer.subscription.deleted" in out
    (tmp_path / "secret").write_text(SECRET)
    assert "cannot be read" in digest("stripe", "secret", str(tmp_path / "no"), *of).err
    digest("stripe", "secret", str(tmp_path / "secret"), *of)
    assert StripeAccount.objects.get().sealed_secret
    assert "not a choice" in digest("stripe", "tier", "price_1", "gold", *of).err
    digest("stripe", "tier", "price_1", "paid", *of)
    values = digest("stripe", "show", *of, "--json").json
    assert values["references"] == {"price_1": "paid"}
    assert "price_1" in digest("stripe", "show", *of).out
    digest("stripe", "tier", "price_1", "none", *of)
    assert not StripeAccount.objects.get().rules.exists()
    digest("stripe", "disconnect", *of)
    assert not StripeAccount.objects.exists()
