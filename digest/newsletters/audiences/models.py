"""What an editor tells subscribers apart by: attributes of a publication, and segments."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

KEY = RegexValidator(
    r"^[a-z][a-z0-9_]*\Z", "Begin with a lowercase letter; then letters, digits, underscores."
)
LONGEST_KEY = 50
LONGEST_LABEL = 100


class Attribute(models.Model):
    """Something that a publication knows of its subscribers, with the type of its values.

    The values are in `subscribers.Profile`, by the key, which never changes.
    """

    class Kind(models.TextChoices):
        """The type of its values."""

        TEXT = "text"
        NUMBER = "number"
        DATE = "date"
        BOOLEAN = "boolean", "Yes or no"
        CHOICE = "choice"

    class Access(models.TextChoices):
        """What subscribers may do with their value."""

        NONE = "none", "Nothing: it is not shown to them"
        SEE = "see", "See it"
        CHANGE = "change", "See and change it"
        SIGN_UP = "sign-up", "See and change it, and enter it when they sign up"

        @property
        def is_visible(self) -> bool:
            """Whether subscribers see their value."""
            return self is not self.NONE

        @property
        def is_editable(self) -> bool:
            """Whether subscribers set their value."""
            return self in {self.CHANGE, self.SIGN_UP}

    publication = models.ForeignKey(
        "newsletters.Publication", on_delete=models.CASCADE, related_name="attributes"
    )
    key = models.CharField(max_length=LONGEST_KEY, validators=[KEY])
    label = models.CharField(max_length=LONGEST_LABEL)  # for people
    kind = models.CharField(max_length=8, choices=Kind)
    choices = ArrayField(  # of a choice, in the order in which they are offered
        models.CharField(max_length=LONGEST_LABEL), default=list, blank=True
    )
    # What subscribers may do with their value on the public pages.
    access = models.CharField(max_length=8, choices=Access, default=Access.NONE)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["label", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "key"], name="attribute_key_once"),
            models.CheckConstraint(
                condition=Q(kind="choice") ^ Q(choices=[]), name="attribute_choice_has_choices"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Segment(models.Model):
    """Subscribers of a publication for whom rules hold, whenever somebody asks.

    The rules are a document of `subscribers.segments`.
    """

    publication = models.ForeignKey(
        "newsletters.Publication", on_delete=models.CASCADE, related_name="segments"
    )
    name = models.CharField(max_length=LONGEST_LABEL)
    rules = models.JSONField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "name"], name="segment_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
