"""A sign-up form as an editor designed it."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from digest.core.uuids import HasUuid

LONGEST_NAME = 100
LONGEST_HEADLINE = 150
LONGEST_TEXT = 500
LONGEST_BUTTON = 50
LONGEST_CONSENT = 1_000
MOST_SECONDS = 600
MOST_DAYS = 365


class SignUpForm(HasUuid):
    """A form that one line of script shows on the publisher's site; its uuid is in that line.

    An empty text is the one that every form has, in the language of its newsletters.
    """

    class Kind(models.TextChoices):
        """Where a form stands on a page."""

        INLINE = "inline", "In the text"
        BOX = "box"
        BAR = "bar", "Bar at the foot of the window"
        POPUP = "popup", "Pop-up"

    class Look(models.TextChoices):
        """The colours of a form."""

        TINTED = "tinted", "Light, with the publication's colour as accent"
        FILLED = "filled", "Filled with the publication's colour"

    publication = models.ForeignKey(
        "newsletters.Publication", on_delete=models.CASCADE, related_name="signup_forms"
    )
    name = models.CharField(max_length=LONGEST_NAME)  # for the newsroom
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.BOX)
    look = models.CharField(max_length=8, choices=Look, default=Look.TINTED)
    newsletters = models.ManyToManyField("newsletters.Newsletter", related_name="signup_forms")
    headline = models.CharField(max_length=LONGEST_HEADLINE, blank=True)
    text = models.CharField(max_length=LONGEST_TEXT, blank=True)
    button = models.CharField(max_length=LONGEST_BUTTON, blank=True)
    thanks = models.CharField(max_length=LONGEST_TEXT, blank=True)
    # What the subscriber agrees to. Consent events have it whole, and a hash as its version.
    consent = models.CharField(max_length=LONGEST_CONSENT, blank=True)
    asks_name = models.BooleanField(default=False)
    asks_topics = models.BooleanField(default=False)
    attributes = models.ManyToManyField("newsletters.Attribute", related_name="+", blank=True)
    # A bar and a pop-up appear after so many seconds, or when so much of the page was scrolled.
    after_seconds = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(5), MaxValueValidator(MOST_SECONDS)]
    )
    after_scroll = models.PositiveSmallIntegerField(  # percent
        default=50, validators=[MinValueValidator(10), MaxValueValidator(100)]
    )
    rest_days = models.PositiveSmallIntegerField(  # after it was closed, for the same visitor
        default=30, validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)]
    )
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "name"], name="signup_form_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def via(self) -> str:
        """How consent events and statistics name this form as the source of a sign-up."""
        return f"{VIA}{self.pk}"

    @property
    def floats(self) -> bool:
        """Whether it lies over the page, and so has to wait and can be closed."""
        return self.kind in {self.Kind.BAR, self.Kind.POPUP}


VIA = "form "
