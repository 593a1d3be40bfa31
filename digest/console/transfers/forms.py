"""The forms of a transfer: its file or its API, and what comes in."""

from typing import Any

from django import forms

from digest.console.fields import SecretField
from digest.console.importing.forms import consent_field
from digest.newsletters.models import Newsletter
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from digest.transfers.remote import LONGEST_KEY
from digest.transfers.services import SERVICES, WITH_API

MAX_SIZE = 30_000_000  # bytes of all files together: a million addresses need about 25 million
MOST_FILES = 10
_LONGEST_LIST = 200
_MOST_COLUMNS = 30  # that are offered as attributes


class FilesInput(forms.ClearableFileInput):
    """A field for files that takes several."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One file or several, as a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Return the files; raise ValidationError for too many or too much."""
        uploads = data if isinstance(data, list | tuple) else [data]
        files = [super(FilesField, self).clean(upload, initial) for upload in uploads]
        if len(files) > MOST_FILES:
            raise forms.ValidationError(f"Choose {MOST_FILES} files at most, or one zip archive.")
        if sum(file.size or 0 for file in files) > MAX_SIZE:
            raise forms.ValidationError(
                "This is larger than 30 MB. Ask the operator to import it with `digest import`, "
                "which has no limit."
            )
        return files


class _TransferForm(forms.Form):
    newsletter = forms.ModelChoiceField(
        Newsletter.objects.none(), label="Into the newsletter", empty_label=None
    )
    consent = consent_field(
        "Consent: how did these people sign up?",
        "Stored with each subscriber, beside the time and place that the export has.",
    )


class FilesForm(_TransferForm):
    """An export: one file, or several that belong together."""

    export = FilesField(
        label="Export",
        help_text="As it was downloaded: zip, CSV or JSON, up to 30 MB. Choose or drop one file, "
        "or several that belong together, as Ghost's JSON file and the CSV file of its members.",
        widget=FilesInput(attrs={"accept": ".zip,.csv,.json,.txt,.tsv", "class": "drop-files"}),
    )
    field_order = ("export", "newsletter", "consent")


def _list_field(help_text: str) -> forms.CharField:
    """Return the field for one of several lists there."""
    return forms.CharField(
        label="List or newsletter there",
        max_length=_LONGEST_LIST,
        required=False,
        help_text=help_text,
    )


class ServiceForm(_TransferForm):
    """A service's API."""

    service = forms.ChoiceField(choices=[(key, SERVICES[key].name) for key in WITH_API])
    list_name = _list_field("Only if the service has several.")
    address = forms.CharField(
        max_length=500,
        required=False,
        help_text="For Ghost and listmonk: the one of your site. The others have one address.",
        widget=forms.URLInput(attrs={"placeholder": "https://your-site.example"}),
    )
    key = SecretField(
        label="API key",
        max_length=LONGEST_KEY,
        help_text="Stored encrypted until everything is fetched, then deleted.",
    )
    field_order = ("service", "address", "key", "list_name", "newsletter", "consent")

    def clean(self) -> dict[str, Any]:
        """Fill in the address of a service that has one for everybody."""
        values = super().clean() or {}
        service = values.get("service")
        if service in _FIXED and not values.get("address"):
            values["address"] = SERVICES[service].api
        if service and not values.get("address"):
            self.add_error("address", "Enter the address of your site.")
        return values


class ChoiceForm(forms.Form):
    """What of an export comes in."""

    list_name = _list_field("Only if the export has several.")
    issues = forms.ChoiceField(
        label="Past issues",
        choices=Transfer.Issues.choices,
        help_text="Everybody can read them in the archive. They are never sent.",
    )
    suppress = forms.BooleanField(
        label="Suppress those who unsubscribed, bounced, complained, are blocked or deleted there",
        required=False,
        help_text="Nobody can add them to this newsletter again. Those who unsubscribed can still "
        "sign up themselves.",
    )
    affirmed = forms.BooleanField(required=False)
    columns = forms.MultipleChoiceField(
        label="Columns and values to bring along as attributes",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Each becomes an attribute of the type text, which segments can use. The export "
        "is read again. For another type, define it under Segments > Attributes.",
    )

    def __init__(self, transfer: Transfer, data: Any = None) -> None:
        names = ("list_name", "issues", "suppress", "affirmed")
        super().__init__(data, initial={name: getattr(transfer, name) for name in names})
        self._consent = transfer.consent
        self.fields["affirmed"].label = transfer.report.get("question", "")
        if not transfer.report.get("question"):
            del self.fields["affirmed"]
        unread = [name for row in transfer.report.get("lists", ()) for name in row["unread"]]
        columns: Any = self.fields["columns"]
        columns.choices = [(name, name) for name in dict.fromkeys(unread)][:_MOST_COLUMNS]
        if not columns.choices:
            del self.fields["columns"]

    def options(self) -> Options:
        """Return the answers."""
        names = ("list_name", "issues", "suppress", "affirmed")
        values = {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}
        return Options(consent=self._consent, **values)


_FIXED = frozenset(key for key in WITH_API if SERVICES[key].api.startswith("https://api."))
