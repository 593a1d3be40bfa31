"""What an editor sets up once."""

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from digest.articles.models import Article, Source
from digest.core.text import LONGEST_URL
from digest.core.uuids import HasUuid
from digest.newsletters.appeal_fields import AppealFields
from digest.newsletters.block_fields import BlockFields
from digest.newsletters.choices import (
    Approval,
    Background,
    CatchUp,
    Corner,
    Density,
    Design,
    Fonts,
    Thin,
    TopicLinks,
    UncertainPolicy,
)
from digest.newsletters.publicity import states
from digest.newsletters.publicity.archive_access import HAS_PASSWORD, HasAudience
from digest.newsletters.publicity.states import HasState
from digest.newsletters.signup_forms.models import SignUpForm  # noqa: F401  the app's models

REVIEW_MINUTES = 60  # before sending, in which a new newsletter's issues can be reviewed
LONGEST_HALF_LIFE = 720  # hours: a month
COLOUR = RegexValidator(r"^#[0-9a-fA-F]{6}$", "A colour like #1d4e89.")


class Cadence(models.TextChoices):
    """How often a subscriber receives a newsletter; each has issues of its own."""

    EVERY = "every", "every issue"
    DAILY = "daily", "once a day"
    WEEKLY = "weekly", "once a week"


class Tracking(models.TextChoices):
    """What a publication counts of clicks."""

    NONE = "none", "Nothing"
    AGGREGATE = "aggregate", "Clicks, without knowing whose"
    INDIVIDUAL = "individual", "Clicks of each subscriber"


class Publication(HasUuid):
    """A brand that sends mail."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    tagline = models.CharField(max_length=300, blank=True)
    url = models.URLField(max_length=LONGEST_URL)
    logo_url = models.URLField(max_length=LONGEST_URL, blank=True)
    logo_dark_url = models.URLField(max_length=LONGEST_URL, blank=True)  # in its place in dark mode
    logo_width = models.PositiveSmallIntegerField(default=240)  # CSS px in the mail
    accent = models.CharField(max_length=7, default="#1d4e89", validators=[COLOUR])
    accent_dark = models.CharField(  # blank: derived from the accent
        max_length=7, default="", blank=True, validators=[COLOUR]
    )
    # Pictures of its stories are fetched and served by us; else mails link to the site's own.
    host_pictures = models.BooleanField(default=True)
    background = models.CharField(max_length=16, choices=Background, default=Background.WARM)
    fonts = models.CharField(max_length=16, choices=Fonts, default=Fonts.CLASSIC)
    corner = models.CharField(max_length=16, choices=Corner, default=Corner.SOFT)
    density = models.CharField(max_length=16, choices=Density, default=Density.COMFORTABLE)
    postal_address = models.TextField()  # required in the mail by CAN-SPAM and its kin
    sender_name = models.CharField(max_length=200)
    sender_email = models.EmailField()
    reply_to = models.EmailField(blank=True)
    language = models.CharField(max_length=35, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    tracking = models.CharField(max_length=16, choices=Tracking, default=Tracking.AGGREGATE)
    track_opens = models.BooleanField(default=False)  # by a pixel; needs tracking
    # Hours after which a click or page view counts half: digest.analytics.popularity.
    popularity_half_life = models.PositiveSmallIntegerField(
        default=48, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_HALF_LIFE)]
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def sender_domain(self) -> str:
        """The domain that mail is sent from, and that List-Id ends with."""
        return self.sender_email.rpartition("@")[2]


class NewsletterQuerySet(models.QuerySet["Newsletter"]):
    """Newsletters, by what their states mean."""

    def public(self) -> Self:
        """Return those that public pages may show: home, archive, feed. No other rule decides."""
        return self.filter(state__in=states.PUBLIC)

    def open_to_all(self) -> Self:
        """Return those that anybody may subscribe to."""
        return self.filter(state__in=states.OPEN)

    def sending(self) -> Self:
        """Return those whose issues go out on schedule."""
        return self.filter(state__in=states.SENDING)


class Newsletter(HasUuid, HasState, HasAudience):
    """What to pick, when to send, how it looks, and what to do when things are not as planned."""

    publication = models.ForeignKey(
        Publication, on_delete=models.CASCADE, related_name="newsletters"
    )
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    list_id = models.CharField(max_length=255, unique=True)  # RFC 2919: never changes
    language = models.CharField(max_length=35, blank=True)  # blank: the publication's
    sources = models.ManyToManyField(Source, related_name="newsletters", blank=True)
    created_at = models.DateTimeField()

    # What subscribers are offered.
    cadences = ArrayField(  # that a subscriber may choose instead of every issue
        models.CharField(max_length=8, choices=Cadence), default=list, blank=True
    )
    welcome_with_latest = models.BooleanField(default=False)  # the latest issue in the welcome mail

    # At the schedule's time of day by each subscriber's own clock; else for all at once.
    send_in_local_time = models.BooleanField(default=False)

    # Stories are linked by way of us, so that the link of one taken back leads to a note.
    redirect_links = models.BooleanField(default=False)

    design = models.CharField(max_length=16, choices=Design, default=Design.PICTURE)
    share_links = models.BooleanField(default=True)  # in the footer, if the newsletter is public
    reading_time = models.BooleanField(default=False)  # of stories: "4 min read"
    # So many stories get a list of headlines at the top; 0: never.
    contents_from = models.PositiveSmallIntegerField(default=8)
    # "More like this" and "Less like this", by the newsletter's topics.
    topic_links = models.CharField(max_length=8, choices=TopicLinks, default=TopicLinks.NONE)

    # Templates in sandboxed Jinja.
    subject = models.TextField(default="{{ stories[0].title }}")
    preheader = models.TextField(
        default="{{ stories[1:] | map(attribute='title') | join(' · ') }}", blank=True
    )

    min_stories = models.PositiveSmallIntegerField(default=1)
    max_stories = models.PositiveSmallIntegerField(default=10)
    look_back_hours = models.PositiveIntegerField(default=24)
    thin = models.CharField(max_length=16, choices=Thin, default=Thin.WIDEN)
    widen_hours = models.PositiveIntegerField(default=72)
    catch_up = models.CharField(max_length=16, choices=CatchUp, default=CatchUp.SEND_LATE)
    late_minutes = models.PositiveIntegerField(default=240)  # send-late deadline, after the slot
    uncertain = models.CharField(
        max_length=16, choices=UncertainPolicy, default=UncertainPolicy.RESEND
    )
    approval = models.CharField(max_length=8, choices=Approval, default=Approval.ANYONE)
    # An issue is built so long before.
    review_minutes = models.PositiveIntegerField(default=REVIEW_MINUTES)
    undo_seconds = models.PositiveSmallIntegerField(default=30)  # between "send now" and the mail

    objects = NewsletterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_stories__gte=F("min_stories")), name="newsletter_max_at_least_min"
            ),
            models.CheckConstraint(condition=Q(max_stories__gte=1), name="newsletter_has_room"),
            HAS_PASSWORD,
        ]

    def __str__(self) -> str:
        return self.name


class Schedule(models.Model):
    """When a newsletter goes out: days and a time, or a cron line; always in a zone."""

    newsletter = models.OneToOneField(Newsletter, on_delete=models.CASCADE, related_name="schedule")
    days = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # Monday is 0
    time = models.TimeField(null=True)
    cron = models.CharField(max_length=200, blank=True)  # wins over days and time
    timezone = models.CharField(max_length=64)
    since = models.DateTimeField()  # slots at or before this moment are none of ours

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(cron="") | (Q(time__isnull=False) & ~Q(days=[])),
                name="schedule_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}: {self.cron or self.time}"


class LayoutBlock(BlockFields):
    """A block of a newsletter's layout, with the rule by which each issue fills it."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="layout")
    # A story is of a topic when its section or one of its tags is named here, in any case.
    topics = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    source_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)  # none: all sources
    max_stories = models.PositiveSmallIntegerField(default=10)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["newsletter", "position"], name="layout_block_position"
            ),
            models.CheckConstraint(
                condition=~Q(kind="topic") | ~Q(topics=[]), name="layout_topic_names_topics"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.get_kind_display()


class Pick(models.Model):
    """An article that an editor put into a block of picked stories; it waits for the next issue."""

    block = models.ForeignKey(LayoutBlock, on_delete=models.CASCADE, related_name="picks")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="picks")
    position = models.PositiveSmallIntegerField()
    picked_at = models.DateTimeField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["block", "article"], name="pick_once"),
        ]

    def __str__(self) -> str:
        return f"{self.article} in {self.block}"


class Appeal(AppealFields):
    """A message from the publication or a sponsor; issues take turns (digest.issues.messages)."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="appeals")
    newsletters = models.ManyToManyField(  # that may show it; none: all of the publication
        Newsletter, related_name="appeals", blank=True
    )

    class Meta(AppealFields.Meta):
        abstract = False

    def __str__(self) -> str:
        return self.name or self.heading


class ContentChange(models.Model):
    """A user changed what issues are made of, last at `at`; see digest.newsletters.contributions.

    It is about one of the three: a newsletter with its layout, sources and picks, a publication,
    an appeal.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, null=True, related_name="+"
    )
    publication = models.ForeignKey(
        Publication, on_delete=models.CASCADE, null=True, related_name="+"
    )
    appeal = models.ForeignKey(Appeal, on_delete=models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "newsletter", "publication", "appeal"],
                name="content_change_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.newsletter or self.publication or self.appeal}"


class Role(models.TextChoices):
    """What somebody is to a publication; digest.newsletters.members says what each may do."""

    OWNER = "owner"
    EDITOR = "editor"
    ANALYST = "analyst"


class RoleAssignment(models.Model):
    """A role in one publication or in all, with the rights that an editor gets one by one."""

    role = models.CharField(max_length=8, choices=Role, default=Role.EDITOR)
    publication = models.ForeignKey(  # null: every publication, future ones too
        Publication, on_delete=models.CASCADE, null=True, related_name="%(class)ss"
    )
    may_send = models.BooleanField(default=True)
    may_export = models.BooleanField(default=False)
    may_erase = models.BooleanField(default=False)
    # Ids of the only newsletters that it reaches; none: every one. Not a relation, which would be
    # empty, and so reach every one, once these newsletters are deleted.
    newsletter_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class Member(RoleAssignment):
    """A user with a role in the team."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "publication"], name="member_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"


class Invitation(RoleAssignment, HasUuid):
    """A mail that invites somebody to the team; its link works once, until it expires."""

    email = models.EmailField()
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.email}, {self.get_role_display()}"
