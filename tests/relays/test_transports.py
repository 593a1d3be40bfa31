"""Which adapter reads which address."""

import pytest

from digest.core.errors import ConfigurationError
from digest.relays.transports import adapter_for, kinds, write_url
from digest.relays.transports.base import AddressParts
from digest.relays.transports.esp import EspAdapter
from digest.relays.transports.smtp import SmtpAdapter


@pytest.mark.parametrize(
    ("url", "adapter", "description"),
    [
        ("smtp://me:secret@mail.example:587", SmtpAdapter, "smtp://mail.example:587"),
        ("smtps://mail.example", SmtpAdapter, "smtps://mail.example:465"),
        ("anymail+postmark://secret@default", EspAdapter, "Postmark"),
    ],
)
def test_the_scheme_decides(url: str, adapter: type, description: str) -> None:
    """What an adapter shows of an address has no secret."""
    read = adapter_for(url)
    assert isinstance(read, adapter)
    assert read.describe() == description


@pytest.mark.parametrize("url", ["", "mail.example", "http://hunter2@mail.example", "+smtp://x"])
def test_an_unknown_scheme_is_refused(url: str) -> None:
    """The error shows what an address looks like, and repeats nothing of this one."""
    with pytest.raises(ConfigurationError, match="smtp://user:password@host:587") as caught:
        adapter_for(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "encrypted"),
    [
        ("smtp://mail.example", True),
        ("smtp://mail.example?starttls=optional", False),
        ("smtp://mail.example?starttls=never", False),
        ("smtp://localhost?starttls=never", True),
        ("smtps://mail.example", True),
        ("anymail+postmark://key@default", True),
    ],
)
def test_mail_in_the_clear_is_noticed(url: str, *, encrypted: bool) -> None:
    """On this machine nobody can listen."""
    assert adapter_for(url).encrypted is encrypted


def test_every_kind_writes_an_address_that_its_adapter_reads() -> None:
    """From the parts that a form asks for."""
    parts = AddressParts(host="eu-west-1", user="us/er", password="")
    pair = AddressParts(host="eu-west-1", user="us/er", password="pass:word")
    any_host = AddressParts(user="us/er")
    for kind in kinds():
        fitting = {"smtp": pair, "amazon_ses": pair, "mailgun": parts}.get(kind, any_host)
        url = write_url(kind, fitting)
        assert kind in adapter_for(url).kinds
        assert "us%2Fer" in url


def test_a_mailbox_is_shown_where_a_relay_stores_all_mail() -> None:
    """Only there."""
    page = "http://127.0.0.1:8025"
    assert adapter_for(f"smtp://127.0.0.1:1025?mailbox={page}").mailbox_url == page
    assert adapter_for("smtp://127.0.0.1").mailbox_url == ""
    assert adapter_for("anymail+postmark://key@default").mailbox_url == ""
