"""The form of an appeal or a sponsor."""

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from digest.console.fields import WebAddressField, offer_rows
from digest.console.pictures.answers import thumbnails
from digest.core import clock
from digest.core.uuids import as_uuid
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Appeal, Newsletter, Publication

_MOMENT = "%Y-%m-%dT%H:%M"
_PICTURES = ("picture", "picture_dark")
CARDS = {  # the fields of the form, by the title of their card
    "Content": (
        "publication",
        "kind",
        "name",
        "label",
        "heading",
        "body",
        "button",
        "url",
        "style",
    ),
    "Picture": ("picture", "picture_dark", "picture_alt"),
    "When": ("starts_at", "ends_at", "paused", "newsletters", "segment"),
    "Turns and limits": ("priority", "weight", "cap", "cap_days"),
}


class AppealForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no arguments for it
    """An appeal or a sponsor; its times are the publication's. `appeals` checks the rules."""

    url = WebAddressField(label="Link")
    picture = forms.UUIDField(required=False, widget=forms.HiddenInput)
    picture_dark = forms.UUIDField(
        label="Picture in dark mode", required=False, widget=forms.HiddenInput
    )

    class Meta:
        model = Appeal
        fields: ClassVar[Any] = [name for names in CARDS.values() for name in names]
        labels: ClassVar[Any] = {
            "name": "Name for the team",
            "body": "Text",
            "button": "Button label",
            "starts_at": "From",
            "ends_at": "Until",
            "picture_alt": "Description for people who cannot see it",
            "cap": "At most, for one subscriber",
            "cap_days": "Within days",
            "segment": "Only for segment",
        }
        help_texts: ClassVar[Any] = {
            "name": "Only in the console. Leave empty to use the heading.",
            "label": "Above a sponsor. Empty: “Sponsored”, in the publication's language.",
            "picture_alt": "What it shows. Mail programs that block pictures show this instead.",
            "heading": "For example “A message from the Courier”, or the sponsor's name.",
            "body": "Plain text. An empty line starts a new paragraph.",
            "button": "Two or three words, for example “Support us”.",
            "newsletters": "None selected: all newsletters of the publication.",
            "segment": "For example those who did not give. Empty: everyone.",
            "priority": "The highest priority goes first.",
            "weight": "Its share among those of the same priority: 2 is shown twice as often as 1.",
            "cap": "How many times. Leave empty for no limit.",
            "cap_days": "Leave empty to count all issues.",
        }
        widgets: ClassVar[Any] = {
            "body": forms.Textarea(attrs={"rows": 6}),
            "starts_at": forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT),
            "ends_at": forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT),
            "newsletters": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args: Any, publications: QuerySet[Publication], **options: Any) -> None:
        instance = options.get("instance")
        if instance:
            zone = clock.zone(instance.publication.timezone)
            options["initial"] = {
                name: value.astimezone(zone).replace(tzinfo=None)
                for name in ("starts_at", "ends_at")
                if (value := getattr(instance, name))
            }
        super().__init__(*args, **options)
        publication: Any = self.fields["publication"]
        publication.queryset, publication.empty_label = publications, None
        offer_rows(self, "newsletters", Newsletter.objects.filter(publication__in=publications))
        segment: Any = self.fields["segment"]
        offer_rows(self, "segment", Segment.objects.filter(publication__in=publications))
        segment.empty_label = "Everyone"
        zones = sorted({row.timezone for row in publications})
        is_single = instance is not None or len(zones) == 1
        zone_name = instance.publication.timezone if instance else ", ".join(zones)
        place = zone_name if is_single else f"of the publication ({zone_name})"
        self.fields["starts_at"].help_text = f"Time zone {place}. Issues built from then on."
        self.fields["ends_at"].help_text = f"Time zone {place}. Leave empty for no end."

    def cards(self) -> list[tuple[str, list[Any]]]:
        """Return the fields in groups, each with its title; `picture_url` shows what one has."""
        urls = self._thumbnails()
        for name in _PICTURES:
            field: Any = self[name]
            field.picture_url = urls.get(str(field.value() or ""), "")
        return [(title, [self[name] for name in names]) for title, names in CARDS.items()]

    def _thumbnails(self) -> dict[str, str]:
        publication_id = self.instance.publication_id
        uuids = [str(self[name].value() or "") for name in _PICTURES]
        return thumbnails(publication_id, filter(as_uuid, uuids)) if publication_id else {}

    def clean(self) -> dict[str, Any]:
        """Read the times in the publication's zone; refuse an end before the start."""
        values = super().clean() or {}
        if publication := values.get("publication"):
            zone = clock.zone(publication.timezone)
            for name in ("starts_at", "ends_at"):
                if value := values.get(name):
                    values[name] = value.replace(tzinfo=zone)
        starts, ends = values.get("starts_at"), values.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "The end must be after the start.")
        return values

    def _post_clean(self) -> None:
        """Leave the instance as it is: `digest.newsletters.appeals` changes it."""
