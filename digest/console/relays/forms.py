"""The form of a mail server. Its address can be entered, but is never shown again."""

from datetime import date
from typing import Any

from django import forms

from digest.console.fields import KeyField, SecretField
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.transports import kinds, write_url
from digest.relays.transports.base import AddressParts
from digest.relays.transports.smtp import Security
from digest.relays.warming import Warming

SMTP = "smtp"
AS_IT_IS, BEGIN, END = "", "begin", "end"
_MAX_LENGTH = 100_000  # characters of what lists domains


def _kinds() -> list[tuple[str, str]]:
    return list(kinds().items())


def _secret(label: str) -> SecretField:
    return SecretField(label=label, required=False, max_length=2000, strip=False)


def _text(
    label: str, max_length: int, *, placeholder: str = "", help_text: str = ""
) -> forms.CharField:
    widget = forms.TextInput(attrs={"placeholder": placeholder} if placeholder else {})
    return forms.CharField(
        label=label, required=False, max_length=max_length, widget=widget, help_text=help_text
    )


def _number(label: str, maximum: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=0, max_value=maximum, help_text=help_text
    )


class RelayForm(forms.Form):
    """The connection of a mail server, its senders and its limits."""

    name = forms.CharField(
        max_length=registry.MAX_NAME_LENGTH, help_text="Letters, digits, - and _."
    )

    kind = forms.ChoiceField(label="Type", choices=_kinds)
    host = _text("Host", 253, placeholder="smtp.provider.example")
    port = forms.IntegerField(required=False, min_value=1, max_value=65_535)
    security = forms.ChoiceField(
        label="Encryption",
        required=False,
        choices=[
            (Security.STARTTLS, "STARTTLS"),
            (Security.TLS, "TLS"),
            (Security.NONE, "None (only within your own network)"),
        ],
    )
    user = KeyField(required=False, max_length=500)
    password = _secret("Password")
    key = _secret("API key (server token, access key)")
    secret = _secret("Secret key (Amazon SES)")
    place = _text("Sender's domain (Mailgun) or region (Amazon SES)", 253)
    options = _text("Options", 500, placeholder="message_stream=broadcast")

    sender_domains = _text(
        "Sender domains",
        _MAX_LENGTH,
        help_text="Leave empty for all senders that no other mail server lists.",
    )
    weight = _number(
        "Weight",
        registry.MAX_NUMBER,
        "Its share of the mail. 0: used only when the others are down.",
    )
    connections = _number(
        "Connections", registry.MAX_NUMBER, "At the same time, for all workers. Empty: no limit."
    )
    per_minute = _number("Messages per minute", 10_000_000, "Empty: no limit.")
    domain_limits = forms.CharField(
        label="Messages per minute, by recipient domain",
        required=False,
        max_length=_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "gmail.com 600\n* 60"}),
        help_text="One domain and its limit per line. “*” is each domain that is not listed.",
    )
    warming = forms.ChoiceField(
        label="Warm-up",
        required=False,
        choices=[(AS_IT_IS, "None"), (BEGIN, "Start today")],
        help_text="For a mail server that is new to mailbox providers. Days are in UTC.",
    )
    start = _number("Messages on the first day", 1_000_000_000)
    growth = forms.FloatField(label="Daily growth factor", required=False)
    until = _number("Up to (messages a day)", 1_000_000_000)

    def __init__(self, *args: Any, relay: Relay | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial = _initial(relay or Relay())
        self.relay = relay
        if relay:
            self.fields["name"].disabled = True
            self.fields["name"].help_text = ""
        if relay and relay.warming_since:
            choice: Any = self.fields["warming"]
            choice.choices = [(AS_IT_IS, "Unchanged"), (BEGIN, "Restart today"), (END, "None")]

    def clean(self) -> dict[str, Any]:
        """Require an address for a new mail server."""
        values = super().clean() or {}
        if self.relay is None and not self._has_address(values):
            if values.get("kind") == SMTP:
                self.add_error("host", "Enter the host of the mail server.")
            else:
                self.add_error("key", "Enter the key.")
        return values

    def clean_sender_domains(self) -> list[str]:
        """Return the domains as a list."""
        text: str = self.cleaned_data["sender_domains"]
        return text.replace(",", " ").split()

    def clean_domain_limits(self) -> dict[str, int]:
        """Return the limits, messages per minute, by domain."""
        limits: dict[str, int] = {}
        for line in self.cleaned_data["domain_limits"].splitlines():
            domain, number = ([*line.replace("=", " ").split(), "", ""])[:2]
            if domain and not (number.isascii() and number.isdecimal() and len(number) < 10):
                raise forms.ValidationError(
                    f"{line[:80]!r} is not a domain and a number, like gmail.com 600."
                )
            limits |= {domain: int(number)} if domain else {}
        return limits

    def address(self) -> str:
        """Return the URL that was entered, or "" to keep the old one. Raises ConfigurationError."""
        values = self.cleaned_data
        if not self._has_address(values):
            return ""
        if values["kind"] == SMTP:
            host, user, password = values["host"], values["user"], values["password"]
        else:
            host, user, password = values["place"], values["key"], values["secret"]
        parts = AddressParts(
            host=host,
            port=values["port"],
            security=values["security"],
            user=user,
            password=password,
            options=values["options"],
        )
        return write_url(values["kind"], parts)

    def relay_options(self, today: date) -> RelayOptions:
        """Return its senders and limits; raises RelayError."""
        values = self.cleaned_data
        return RelayOptions(
            sender_domains=values["sender_domains"],
            weight=1 if values["weight"] is None else values["weight"],
            connections=values["connections"] or 0,
            per_minute=values["per_minute"] or 0,
            domain_limits=values["domain_limits"],
            warming=self._warming(today) if values["warming"] == BEGIN else None,
            end_warming=values["warming"] == END,
        )

    def _warming(self, today: date) -> Warming:
        values = self.cleaned_data
        start, growth, until = values["start"], values["growth"], values["until"]
        return registry.start_warming(today, start or 0, growth or 0.0, until or 0)

    def _has_address(self, values: dict[str, Any]) -> bool:
        if values.get("kind") == SMTP:
            return bool(values.get("host", "").strip())
        return bool(values.get("key") or values.get("place", "").strip())


def _initial(relay: Relay) -> dict[str, Any]:
    """Return the initial values of a relay's form, without its address."""
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
