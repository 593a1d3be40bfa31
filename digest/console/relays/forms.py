"""What is typed about a relay. Its address goes in and never comes out again."""

from datetime import date
from typing import Any, NoReturn

from django import forms

from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.transports import kinds, write_url
from digest.relays.transports.base import AddressParts
from digest.relays.transports.smtp import Security
from digest.relays.warming import Warming

SMTP = "smtp"
AS_IT_IS, BEGIN, END = "", "begin", "end"
_MANY = 100_000  # characters of what lists domains


def _kinds() -> list[tuple[str, str]]:
    return list(kinds().items())


def _secret(label: str, *, longest: int = 2000) -> forms.CharField:
    field = forms.PasswordInput(attrs={"autocomplete": "off"})
    return forms.CharField(
        label=label, required=False, max_length=longest, strip=False, widget=field
    )


def _number(label: str, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=0, max_value=most, help_text=help_text
    )


class RelayForm(forms.Form):
    """Where a relay is, what it is for, and how much it takes."""

    name = forms.CharField(
        max_length=registry.MAX_NAME_LENGTH, help_text="Letters, digits, - and _."
    )

    kind = forms.ChoiceField(label="What it is", choices=_kinds)
    host = forms.CharField(
        required=False,
        max_length=253,
        widget=forms.TextInput(attrs={"placeholder": "smtp.provider.example"}),
    )
    port = forms.IntegerField(required=False, min_value=1, max_value=65_535)
    security = forms.ChoiceField(
        label="Encryption",
        required=False,
        choices=[
            (Security.STARTTLS, "STARTTLS"),
            (Security.TLS, "TLS"),
            (Security.NONE, "None: only within your own network"),
        ],
    )
    user = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = _secret("Password")
    key = _secret("Key, as the provider calls it: API key, server token, access key")
    secret = _secret("Secret key (Amazon SES)")
    place = forms.CharField(
        label="Sender's domain (Mailgun) or region (Amazon SES)", required=False, max_length=253
    )
    options = forms.CharField(
        label="Options",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "message_stream=broadcast"}),
    )

    sender_domains = forms.CharField(
        label="Domains of senders",
        required=False,
        max_length=_MANY,
        help_text="Empty: of every sender that no other relay names.",
    )
    weight = _number(
        "Weight",
        registry.MAX_NUMBER,
        "Its share beside others; 0: it stands in when they are down.",
    )
    connections = _number(
        "Connections at once", registry.MAX_NUMBER, "Of all workers. Empty: no limit."
    )
    per_minute = _number("Messages a minute", 10_000_000, "Empty: no limit.")
    domain_limits = forms.CharField(
        label="Messages a minute, by the subscriber's domain",
        required=False,
        max_length=_MANY,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "gmail.com 600\n* 60"}),
        help_text="One in each line. An asterisk stands for each domain that is not named.",
    )
    warming = forms.ChoiceField(
        label="Slow start",
        required=False,
        choices=[(AS_IT_IS, "none"), (BEGIN, "begins today")],
        help_text="For a relay that mailbox providers do not know yet. Days are UTC's.",
    )
    start = _number("Messages on the first day", 1_000_000_000)
    growth = forms.FloatField(label="Times so many each day", required=False)
    until = _number("Until a day's are", 1_000_000_000)

    def __init__(self, *args: Any, relay: Relay | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial = _there(relay or Relay())
        self.relay = relay
        if relay:
            self.fields["name"].disabled = True
            self.fields["name"].help_text = ""
        if relay and relay.warming_since:
            choice: Any = self.fields["warming"]
            choice.choices = [(AS_IT_IS, "as it is"), (BEGIN, "begins anew today"), (END, "none")]

    def clean(self) -> dict[str, Any]:
        """Ask for an address where there is none yet."""
        given = super().clean() or {}
        if self.relay is None and not self._has_address(given):
            where = "host" if given.get("kind") == SMTP else "key"
            self.add_error(where, "Say where the relay is." if where == "host" else "It needs one.")
        return given

    def clean_sender_domains(self) -> list[str]:
        """Take them apart, at commas and spaces."""
        typed: str = self.cleaned_data["sender_domains"]
        return typed.replace(",", " ").split()

    def clean_domain_limits(self) -> dict[str, int]:
        """Read a domain and a number in each line."""
        found: dict[str, int] = {}
        for line in self.cleaned_data["domain_limits"].splitlines():
            domain, number = ([*line.replace("=", " ").split(), "", ""])[:2]
            if domain and not (number.isascii() and number.isdecimal() and len(number) < 10):
                _refuse(f"{line[:80]!r}: use a domain and a number, like gmail.com 600.")
            found |= {domain: int(number)} if domain else {}
        return found

    def address(self) -> str:
        """Return the address that was typed; nothing if it stays. Raises ConfigurationError."""
        given = self.cleaned_data
        if not self._has_address(given):
            return ""
        if given["kind"] == SMTP:
            host, user, password = given["host"], given["user"], given["password"]
        else:
            host, user, password = given["place"], given["key"], given["secret"]
        parts = AddressParts(
            host=host,
            port=given["port"],
            security=given["security"],
            user=user,
            password=password,
            options=given["options"],
        )
        return write_url(given["kind"], parts)

    def terms(self, today: date) -> RelayOptions:
        """Return what it is for and how much it takes; raises RelayError."""
        given = self.cleaned_data
        return RelayOptions(
            sender_domains=given["sender_domains"],
            weight=1 if given["weight"] is None else given["weight"],
            connections=given["connections"] or 0,
            per_minute=given["per_minute"] or 0,
            domain_limits=given["domain_limits"],
            warming=self._slow_start(today) if given["warming"] == BEGIN else None,
            end_warming=given["warming"] == END,
        )

    def _slow_start(self, today: date) -> Warming:
        given = self.cleaned_data
        start, growth, until = given["start"], given["growth"], given["until"]
        return registry.start_warming(today, start or 0, growth or 0.0, until or 0)

    def _has_address(self, given: dict[str, Any]) -> bool:
        if given.get("kind") == SMTP:
            return bool(given.get("host", "").strip())
        return bool(given.get("key") or given.get("place", "").strip())


def _there(relay: Relay) -> dict[str, Any]:
    """Return what a relay's form begins with; of its address, nothing."""
    limits = relay.domain_limits.items()
    return {
        "name": relay.name,
        "kind": SMTP,
        "sender_domains": ", ".join(relay.sender_domains),
        "weight": relay.weight,
        "connections": relay.connections,
        "per_minute": relay.per_minute,
        "domain_limits": "\n".join(f"{name} {number}" for name, number in limits),
        "start": relay.warming_start,
        "growth": relay.warming_growth,
        "until": relay.warming_until,
    }


def _refuse(why: str) -> NoReturn:
    raise forms.ValidationError(why)
