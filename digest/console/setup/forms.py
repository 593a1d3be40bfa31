"""What is typed in a first run. Whether a thing can be is asked where the thing is made."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from digest.accounts.models import User
from digest.core import addresses
from digest.core.errors import InvalidAddressError
from digest.newsletters.models import COLOUR
from digest.newsletters.reading import DAYS
from digest.relays.transports.smtp import Security

NEW = "new"  # instead of a relay that is there
PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_NO_URL = {"invalid": "This is no web address. One looks like https://courier.example."}
_ONE_LINE = RegexValidator(r"\A[^\r\n]*\Z", "Only one line.")


def zones() -> list[tuple[str, str]]:
    """Return the time zones that people live in, by name, and UTC."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}
    return [(name, name.replace("_", " ")) for name in ["UTC", *sorted(places)]]


class AddressField(forms.CharField):
    """An email address, checked as all addresses are here."""

    widget = forms.EmailInput

    def clean(self, value: Any) -> str:
        """Return it as it is shown."""
        typed = super().clean(value)
        try:
            return addresses.parse(typed).email if typed else ""
        except InvalidAddressError as problem:
            raise ValidationError(str(problem)) from problem


class AccountForm(forms.Form):
    """The first account."""

    code = forms.CharField(
        label="Setup code", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    email = AddressField(
        label="Your email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        help_text="You sign in with it, and the first test mail goes there.",
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text="At least 12 characters. A few words that only you would put together do well.",
    )
    again = forms.CharField(
        label="The same password again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )

    def clean(self) -> dict[str, Any]:
        """Hold the password to the validators of the settings."""
        given = super().clean() or {}
        password = given.get("password")
        if password and given.get("again") and given["again"] != password:
            self.add_error("again", "The two passwords differ.")
        if password:
            try:
                validate_password(password, User(email=given.get("email", "")))
            except ValidationError as problem:
                self.add_error("password", problem)
        return given


class PublicationForm(forms.Form):
    """A brand that sends mail."""

    name = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"placeholder": "The Saltmarsh Courier"})
    )
    url = forms.URLField(
        label="Website",
        assume_scheme="https",
        max_length=2000,
        error_messages=_NO_URL,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "placeholder": "https://courier.example"}
        ),
    )
    postal_address = forms.CharField(
        label="Postal address",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "1 Quay Street\nSaltmarsh"}),
        help_text="It stands at the foot of every mail: the law of most countries asks for it.",
    )
    logo_url = forms.URLField(
        label="Logo",
        required=False,
        assume_scheme="https",
        max_length=2000,
        error_messages=_NO_URL,
        widget=forms.TextInput(attrs={"inputmode": "url"}),
        help_text="The web address of a PNG or JPEG, 480 pixels wide or more. "
        "Without one, the name stands there.",
    )
    accent = forms.CharField(
        label="Colour",
        initial="#1d4e89",
        validators=[COLOUR],
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    accent_dark = forms.CharField(
        label="Colour on dark",
        initial="#8ab8e6",
        validators=[COLOUR],
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    language = forms.ChoiceField(choices=lambda: settings.LANGUAGES, initial="en")
    timezone = forms.ChoiceField(label="Time zone", choices=zones, initial="UTC")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("language", "timezone"):
            offer(self, name)


class SenderForm(forms.Form):
    """Who mail comes from, and where it is handed over."""

    sender_name = forms.CharField(label="Name", max_length=200)
    sender_email = AddressField(
        label="Address", help_text="At a domain of yours: others must be able to tell it is you."
    )
    relay = forms.ChoiceField(widget=forms.RadioSelect)
    host = forms.CharField(
        required=False,
        max_length=253,
        widget=forms.TextInput(attrs={"placeholder": "smtp.provider.example"}),
    )
    security = forms.ChoiceField(
        label="Encryption",
        required=False,
        initial=Security.STARTTLS,
        choices=[
            (Security.STARTTLS, "STARTTLS"),
            (Security.TLS, "TLS"),
            (Security.NONE, "None: only within your own network"),
        ],
    )
    port = forms.IntegerField(required=False, min_value=1, max_value=65_535)
    user = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        required=False,
        max_length=2000,
        strip=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, relays: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["relay"]
        choice.choices = [*relays, (NEW, "A relay of your own")]

    def clean(self) -> dict[str, Any]:
        """Ask for a host where a relay is new, and know the usual port."""
        given = super().clean() or {}
        if given.get("relay") == NEW and not given.get("host", "").strip():
            self.add_error("host", "Say where the relay is.")
        given["security"] = Security(given.get("security") or Security.STARTTLS)
        if "port" not in self.errors:
            given["port"] = given.get("port") or PORTS[given["security"]]
        return given


class SourceForm(forms.Form):
    """Where articles come from."""

    url = forms.CharField(
        label="Address of your site",
        max_length=2000,
        validators=[_ONE_LINE],
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "courier.example"}),
    )


class NewsletterForm(forms.Form):
    """What goes out, and when."""

    name = forms.CharField(max_length=200)
    days = forms.TypedMultipleChoiceField(
        label="It goes out on",
        coerce=int,
        choices=[(number, day.capitalize()) for number, day in enumerate(DAYS)],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose a day, at least one."},
    )
    at = forms.TimeField(label="At", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    timezone = forms.ChoiceField(label="Time zone", choices=zones)
    max_stories = forms.IntegerField(
        label="Stories at most",
        min_value=1,
        max_value=100,
        initial=10,
        help_text="The newest first, each once. Where nothing is new, no mail goes out.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "timezone")


class TestForm(forms.Form):
    """Who gets the test."""

    to = AddressField(label="To")


def offer(form: forms.Form, name: str) -> None:
    """Offer what is set already, where it is none of the usual choices."""
    choice: Any = form.fields[name]
    there = form.initial.get(name, "")
    if there and there not in {key for key, _ in choice.choices}:
        choice.choices = [(there, there), *choice.choices]
