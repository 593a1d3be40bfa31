"""The form of a change to many subscribers: what to do, and its value."""

from collections.abc import Sequence
from typing import Any

from django import forms

from digest.bulk.models import BulkChange
from digest.newsletters.audiences.models import Attribute
from digest.subscribers import attributes, profiles
from digest.subscribers.models import LONGEST_TAG

Kind = BulkChange.Kind


class ChangeForm(forms.Form):
    """What to do; only the fields of its kind count. `bulk.actions` reads and checks them."""

    kind = forms.ChoiceField(label="Change")
    tag = forms.CharField(required=False, max_length=LONGEST_TAG)
    attribute = forms.ChoiceField(required=False)
    value = forms.CharField(
        required=False, max_length=attributes.LONGEST_VALUE, help_text="Empty: remove the value."
    )
    newsletter = forms.ChoiceField(required=False)
    until = forms.DateField(
        label="Send nothing until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Subscribers who are paused for longer stay so.",
    )

    def __init__(self, change: BulkChange, offered: Sequence[Kind], data: Any = None) -> None:
        newsletters = list(change.publication.newsletters.order_by("name", "pk"))
        super().__init__(data, initial=_initial(change, {row.pk: row.slug for row in newsletters}))
        rows = attributes.attributes_of(change.publication_id)
        self._set_choices("kind", [(kind.value, kind.label) for kind in offered if kind.label])
        self._set_choices("attribute", [(key, _label(row)) for key, row in rows.items()])
        self._set_choices("newsletter", [(row.slug, row.name) for row in newsletters])
        if not rows:
            self.fields["attribute"].help_text = "Define an attribute first: Segments > Attributes."
        tags: Any = self.fields["tag"].widget
        tags.attrs["list"] = "tags"
        self.tags = profiles.tags_in([change.publication_id])

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def values(self) -> dict[str, str]:
        """Return the fields as texts."""
        return {name: str(value or "") for name, value in self.cleaned_data.items()}


def _initial(change: BulkChange, slugs: dict[int, str]) -> dict[str, Any]:
    """Return what was chosen before."""
    values = dict(change.values)
    values["newsletter"] = slugs.get(values.get("newsletter", 0), "")
    values["until"] = str(values.get("until", ""))[:10]
    return values | {"kind": change.kind or Kind.ADD_TAG}


def _label(row: Attribute) -> str:
    choices = ", ".join(row.choices[:5]) or row.get_kind_display()
    return f"{row.label} ({choices})"
