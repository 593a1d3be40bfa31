"""Fields that several forms of the console have, and the rows that a field offers."""

from typing import Any, ClassVar

from django import forms
from django.core.validators import URLValidator
from django.db.models import QuerySet

from digest.core.text import LONGEST_URL


class _LineField(forms.CharField):
    """A line with attributes of its own, in which an example stands while it is empty."""

    attributes: ClassVar[dict[str, str]]

    def __init__(self, *, example: str = "", **options: Any) -> None:
        self._example = example
        super().__init__(**options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Return the attributes of its input."""
        placeholder = {"placeholder": self._example} if self._example else {}
        return {**super().widget_attrs(widget), **placeholder, **self.attributes}


class KeyField(_LineField):
    """A key, a password or a name of another system: browsers do not fill it in."""

    attributes: ClassVar = {"autocomplete": "off"}


class SecretField(KeyField):
    """A key or a password that is not shown while somebody enters it."""

    widget = forms.PasswordInput


class NameField(KeyField, forms.SlugField):
    """A short name, by which commands call it too."""

    def __init__(self, **options: Any) -> None:
        help_text = "Lowercase letters, digits and hyphens."
        super().__init__(max_length=64, help_text=help_text, **options)


class PlaceField(_LineField):
    """Where something is on the web, as people type it; what is read there is checked elsewhere."""

    attributes: ClassVar = {"inputmode": "url"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_URL, **options)


class WebAddressField(PlaceField, forms.URLField):
    """An address that begins with http:// or https://; without either, https:// is added."""

    widget = forms.TextInput
    default_validators: list[Any] = [URLValidator(schemes=["http", "https"])]
    default_error_messages: ClassVar = {
        "invalid": "Enter a web address, for example https://courier.example."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)


def offer_rows(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """Let a field of rows offer these."""
    field: Any = form.fields[name]
    field.queryset = rows
