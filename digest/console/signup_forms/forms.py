"""The form with which a sign-up form is designed."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms

from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.signup_forms.models import SignUpForm
from digest.newsletters.signup_forms.saving import not_offered, settable_attributes

CARDS = {  # the fields, by the title of their card
    "Form": ("name", "kind", "look"),
    "Texts": ("headline", "text", "button", "thanks"),
    "What it asks": ("newsletters", "asks_name", "asks_topics", "attributes"),
    "Consent": ("consent",),
    "When it appears": ("after_seconds", "after_scroll", "rest_days"),
}
NO_ATTRIBUTES = (
    "Subscribers may enter none when they sign up; that is set on the page of an attribute."
)


class DesignForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no arguments for it
    """A sign-up form of a publication; `signup_forms.saving` checks the rules."""

    class Meta:
        model = SignUpForm
        fields: ClassVar[Any] = [name for names in CARDS.values() for name in names]
        labels: ClassVar[Any] = {
            "name": "Name for the team",
            "kind": "Where it stands",
            "look": "Colours",
            "text": "Text below the headline",
            "button": "Button label",
            "thanks": "Message after signing up",
            "consent": "What subscribers agree to",
            "asks_name": "Ask for the name",
            "asks_topics": "Offer the topics of its newsletters",
            "attributes": "Ask for",
            "after_seconds": "After so many seconds",
            "after_scroll": "Or after scrolling so much of the page (percent)",
            "rest_days": "Days until it appears again after it was closed",
        }
        help_texts: ClassVar[Any] = {
            "name": "Statistics show it as the source of a sign-up.",
            "headline": "Empty: “Receive latest news & updates”, in the newsletter's language.",
            "button": "Empty: “Sign up”.",
            "thanks": "Empty: that an email was sent, with a button to confirm.",
            "consent": "Empty: our wording, which names the newsletters and the publication.",
            "attributes": "Those that subscribers may enter when they sign up; all are optional.",
            "after_scroll": "On a phone only scrolling counts, and never the first screen.",
        }
        widgets: ClassVar[Any] = {
            "kind": forms.RadioSelect,
            "look": forms.RadioSelect,
            "text": forms.Textarea(attrs={"rows": 2}),
            "thanks": forms.Textarea(attrs={"rows": 2}),
            "consent": forms.Textarea(attrs={"rows": 3}),
            "newsletters": forms.CheckboxSelectMultiple,
            "attributes": forms.CheckboxSelectMultiple,
        }

    def __init__(self, data: Any, publication: Publication, design: SignUpForm | None) -> None:
        super().__init__(data, instance=design or SignUpForm(publication=publication))
        newsletters, attributes = self._choice("newsletters"), self._choice("attributes")
        newsletters.queryset = Newsletter.objects.public().filter(publication=publication)
        newsletters.error_messages["required"] = "Choose at least one newsletter."
        private, _ = not_offered(self.instance)
        if names := ", ".join(row.name for row in private):
            newsletters.required = False
            newsletters.help_text = f"Private, so not offered at the moment: {names}."
        attributes.queryset = settable_attributes(publication)
        if not attributes.queryset.exists():
            self.fields["attributes"].help_text = NO_ATTRIBUTES

    def _choice(self, name: str) -> Any:
        return self.fields[name]

    @property
    def cards(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields by the titles of their cards."""
        return [(title, [self[name] for name in names]) for title, names in CARDS.items()]

    def draft(self) -> tuple[SignUpForm, list[Newsletter], list[Attribute]]:
        """Return the form as it is being designed: what is valid so far, nothing is saved."""
        self.full_clean()
        values = {name: self.cleaned_data.get(name) for name in self.fields}
        newsletters = list(values.pop("newsletters") or ())
        attributes = list(values.pop("attributes") or ())
        design = SignUpForm(publication=self.instance.publication, uuid=UUID(int=0))
        for name, value in values.items():
            if value is not None:
                setattr(design, name, value)
        return design, newsletters, attributes
