"""The forms of an import: the upload, and how the list is read."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from digest.newsletters.models import Newsletter
from digest.subscribers.attributes import attributes_of
from digest.subscribers.importing.causes import STATES, Cause
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.layout import LABELS
from digest.subscribers.importing.sources import SOURCES
from digest.subscribers.segments.rules import ATTRIBUTE
from digest.transfers.models import Transfer

MAX_FILE_SIZE = 30_000_000  # bytes: a million addresses need about 25 million
_AS_COLUMNS_SAY = "As its columns say"
CAUSES = {
    Cause.UNSUBSCRIBED: "unsubscribed in the file",
    Cause.BOUNCED: "bounced in the file",
    Cause.COMPLAINED: "complained about spam in the file",
    Cause.BLOCKED: "blocked or disabled in the file",
    Cause.DELETED: "deleted in the file",
    Cause.UNCONFIRMED: "never confirmed in the file",
    Cause.INACTIVE: "inactive in the file",
    Cause.NO_CONSENT: "without consent in the file",
    Cause.UNKNOWN: "with an unknown status in the file",
    Cause.ADDRESS: "without a valid email address",
    Cause.UNREADABLE: "unreadable",
    Cause.DUPLICATE: "repeated in the file",
    Cause.LEFT: "unsubscribed from this newsletter",
    Cause.SUPPRESSED: "suppressed here",
    Cause.ERASED: "erased here at their own request",
}
_EVERYONE = {
    Cause.UNSUBSCRIBED: "Everybody unsubscribed",
    Cause.BOUNCED: "Everybody bounced (cleaned)",
    Cause.COMPLAINED: "Everybody complained about spam",
    Cause.BLOCKED: "Everybody is blocked (suppression list)",
    Cause.DELETED: "Everybody was deleted",
    Cause.UNCONFIRMED: "Nobody confirmed",
    Cause.INACTIVE: "Everybody is inactive",
    Cause.NO_CONSENT: "Nobody consented",
    Cause.UNKNOWN: "Their status is unknown",
}


def consent_field(question: str, help_text: str) -> forms.CharField:
    """Return the field in which a person says how subscribers gave their consent."""
    example = "Signed up on our site since 2019, double opt-in"
    return forms.CharField(
        label=question,
        help_text=help_text,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": example}),
    )


class UploadForm(forms.Form):
    """A CSV file, its newsletter, and how the subscribers consented."""

    newsletter = forms.ModelChoiceField(Newsletter.objects.none(), empty_label=None)
    file = forms.FileField(
        label="CSV file",
        help_text="An export of your current system, with a column of email addresses: from "
        "Mailchimp, Substack, Ghost, beehiiv, Kit, Buttondown, MailPoet, listmonk and others. "
        "Up to 30 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.zip,text/csv"}),
    )
    consent = consent_field(
        "Consent: how and when did these people sign up?",
        "Stored with each subscriber as proof of consent.",
    )

    def clean_file(self) -> Any:
        """Reject a file that is too large for an upload."""
        file: Any = self.cleaned_data["file"]
        if (file.size or 0) > MAX_FILE_SIZE:
            raise forms.ValidationError(
                "This file is larger than 30 MB. Ask the operator to import it with "
                "`digest subscriber import`, which has no limit."
            )
        return file


class ReadingForm(forms.Form):
    """How an uploaded list is read: its source, its columns, and what happens to the stopped."""

    source = forms.ChoiceField(
        label="Exported from",
        required=False,
        choices=[("", "Another system"), *((key, source.name) for key, source in SOURCES.items())],
    )
    everyone = forms.ChoiceField(
        label="People in this file",
        required=False,
        choices=[("", _AS_COLUMNS_SAY), *((cause.value, _EVERYONE[cause]) for cause in STATES)],
    )
    suppress = forms.BooleanField(
        label="Also suppress those who unsubscribed, bounced, complained, are blocked or deleted",
        required=False,
        help_text="Nobody can add them to this newsletter again. Those who unsubscribed can still "
        "sign up themselves.",
    )

    def __init__(self, upload: Transfer, data: Any = None) -> None:
        super().__init__(data, initial=upload.reading | {"suppress": upload.suppress})
        headings, choices = upload.report["headings"], _meanings(upload)
        meanings = upload.reading["meanings"]
        self.columns = [f"column-{index}" for index in range(len(meanings))]
        for name, heading, meaning in zip(self.columns, headings, meanings, strict=True):
            self.fields[name] = forms.ChoiceField(
                label=heading,
                choices=choices,
                initial=meaning,
            )

    def reading(self) -> dict[str, Any]:
        """Return how the list is to be read, as a transfer stores it."""
        values = self.cleaned_data
        meanings = [str(values[name]) for name in self.columns]
        return {"source": values["source"], "meanings": meanings, "everyone": values["everyone"]}


def _meanings(upload: Transfer) -> list[tuple[str, str]]:
    """Return what a column may be about, the publication's attributes behind the tags."""
    rows = attributes_of(upload.newsletter.publication_id)
    choices = [(value.value, LABELS[value]) for value in Meaning]
    position = [value for value, _ in choices].index(Meaning.TAGS) + 1
    own = [(f"{ATTRIBUTE}{key}", f"Attribute: {row.label}") for key, row in rows.items()]
    return [*choices[:position], *own, *choices[position:]]


def with_newsletters(form: forms.Form, newsletters: QuerySet[Newsletter]) -> forms.Form:
    """Let a form choose between these newsletters."""
    choice: Any = form.fields["newsletter"]
    choice.queryset = newsletters.order_by("name")
    return form
