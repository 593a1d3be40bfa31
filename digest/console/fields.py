"""Fields that several forms of the console have, and the rows that a field offers."""

from typing import Any

from django import forms
from django.db.models import QuerySet


class KeyField(forms.CharField):
    """A key, a password or a name of another system: browsers do not fill it in."""

    def __init__(self, *, example: str = "", **options: Any) -> None:
        """`example` is shown while the field is empty."""
        self._example = example
        super().__init__(**options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Return the attributes of its input."""
        placeholder = {"placeholder": self._example} if self._example else {}
        return {**super().widget_attrs(widget), **placeholder, "autocomplete": "off"}


class SecretField(KeyField):
    """A key or a password that is not shown while somebody enters it."""

    widget = forms.PasswordInput


class NameField(KeyField, forms.SlugField):
    """A short name, by which commands call it too."""

    def __init__(self, **options: Any) -> None:
        """Take what every field takes, and an `example`."""
        help_text = "Lowercase letters, digits and hyphens."
        super().__init__(max_length=64, help_text=help_text, **options)


def offer_rows(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """Let a field of rows offer these."""
    field: Any = form.fields[name]
    field.queryset = rows
