"""Addresses of providers' APIs."""

import pytest

from digest.core.errors import ConfigurationError
from digest.relays.transports import transport_for
from digest.relays.transports.esp import EspTransport, parse_address


def test_an_address_becomes_the_options_of_a_backend() -> None:
    """Secrets percent-encoded, the host where the provider wants one."""
    postmark = parse_address("anymail+postmark://tok%2Fen@default?message_stream=broadcast")
    assert postmark.options == {"server_token": "tok/en", "message_stream": "broadcast"}
    mailgun = parse_address(
        "anymail+mailgun://key@mg.example.com?api_url=https://api.eu.mailgun.net/v3&timeout=20"
    )
    assert mailgun.options == {
        "api_key": "key",
        "sender_domain": "mg.example.com",
        "api_url": "https://api.eu.mailgun.net/v3",
    }
    assert mailgun.seconds == 20
    amazon = parse_address("anymail+amazon_ses://ACCESS:SEC%2FRET@eu-west-1")
    assert amazon.options == {
        "access_key": "ACCESS",
        "secret_key": "SEC/RET",
        "region": "eu-west-1",
    }
    assert parse_address("anymail+amazon-ses://eu-west-1").options == {"region": "eu-west-1"}


@pytest.mark.parametrize("name", ["brevo", "mailersend", "resend", "sendgrid", "sparkpost"])
def test_every_provider_has_a_backend(name: str) -> None:
    """Each backend takes the options that an address gives."""
    with transport_for(f"anymail+{name}://key@default") as transport:
        assert isinstance(transport, EspTransport)


@pytest.mark.parametrize(
    "url",
    [
        "anymail+pigeon://hunter2@default",
        "anymail+postmark://default",
        "anymail+postmark://hunter2:more@default",
        "anymail+postmark://hunter2@mg.example.com",
        "anymail+postmark://hunter2@default:many",
        "anymail+postmark://hunter2@default/path",
        "anymail+postmark://hunter2/hunter2@default",
        "anymail+postmark://hunter2@default?server_token=hunter2",
        "anymail+postmark://hunter2@default?hunter2",
        "anymail+postmark://hunter2@default?hunter2=1",
        "anymail+postmark://hunter2@default?timeout=hunter2",
        "anymail+postmark://hunter2@default?timeout=nan",
        "anymail+postmark://hunter2@default?api_url=http://api.example/hunter2",
        "anymail+postmark://hunter2%0d%0aX:%20y@default",
        "anymail+postmark://[hunter2@default",
        "anymail+amazon_ses://hunter2@eu-west-1",
        "anymail+amazon_ses://AKIA:hunter2/hunter2@eu-west-1",
    ],
)
def test_an_unusable_address_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a secret, in the wrong place too."""
    with pytest.raises(ConfigurationError, match="The address of the relay") as caught:
        transport_for(url)
    assert "hunter2" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_an_address_does_not_show_its_secrets() -> None:
    """As in a traceback with local variables."""
    assert "hunter2" not in repr(parse_address("anymail+postmark://hunter2@default"))
