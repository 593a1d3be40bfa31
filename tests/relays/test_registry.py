"""Adding, changing and describing relays."""

import pytest
from pytest_django.fixtures import Settings

from digest.core import sealing
from digest.core.errors import ConfigurationError
from digest.relays import registry
from digest.relays.errors import RelayError
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions

pytestmark = pytest.mark.django_db


def test_an_address_is_stored_sealed_and_shown_without_secrets() -> None:
    """Neither the database nor a page shows the password."""
    relay = registry.add("main", "smtp://ann:hunter2@relay.example:587", RelayOptions())
    relay.refresh_from_db()
    assert "hunter2" not in relay.sealed_url
    assert registry.url_of(relay) == "smtp://ann:hunter2@relay.example:587"
    assert registry.describe(relay) == "smtp://relay.example:587"


def test_a_sealed_address_follows_the_secret_key(settings: Settings) -> None:
    """A new key still unseals it while the old one is a fallback; without it, the error says so."""
    relay = registry.add("main", "smtp://ann:hunter2@relay.example", RelayOptions())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    with pytest.raises(ConfigurationError, match="DIGEST_SECRET_KEY_FALLBACKS"):
        registry.url_of(relay)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert registry.url_of(relay).startswith("smtp://ann")


def test_a_damaged_seal_is_explained() -> None:
    """Whatever the row holds."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        sealing.unseal("nonsense")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (RelayOptions(sender_domains=["not a domain"]), "not a domain"),
        (RelayOptions(weight=-1), "weight"),
        (RelayOptions(connections=99_999), "connections"),
        (RelayOptions(per_minute=-5), "limit a minute"),
        (RelayOptions(domain_limits={"gmail.com": -1}), "gmail.com"),
    ],
)
def test_invalid_options_are_refused(options: RelayOptions, text: str) -> None:
    """And nothing is stored."""
    with pytest.raises(RelayError, match=text):
        registry.add("main", "smtp://relay.example", options)
    assert not Relay.objects.exists()


def test_a_name_is_unique_and_default_belongs_to_the_settings(settings: Settings) -> None:
    """The relay that DIGEST_SMTP_URL names can be limited, but not moved or removed."""
    registry.add("main", "smtp://relay.example", RelayOptions())
    with pytest.raises(RelayError, match="already"):
        registry.add("main", "smtp://other.example", RelayOptions())
    with pytest.raises(RelayError, match="DIGEST_SMTP_URL"):
        registry.add("default", "smtp://other.example", RelayOptions())
    settings.DIGEST_SMTP_URL = "smtp://relay.example"
    default = next(relay for relay in registry.all_relays() if relay.name == "default")
    registry.change(default, "", RelayOptions(per_minute=60))
    assert Relay.objects.get(name="default").per_minute == 60
    with pytest.raises(RelayError, match="DIGEST_SMTP_URL"):
        registry.change(default, "smtp://x.example", RelayOptions())
    with pytest.raises(RelayError, match="DIGEST_SMTP_URL"):
        registry.remove(default)
