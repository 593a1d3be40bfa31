"""One issue of a newsletter, and its stories frozen."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5, Coalesce

from digest.articles.models import Article
from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.text import LONGEST_URL
from digest.core.uuids import HasUuid
from digest.issues.experiments.models import Experiment  # noqa: F401  the app's models
from digest.newsletters.audiences.models import Segment
from digest.newsletters.block_fields import BlockFields
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Appeal, Cadence, LayoutBlock, Newsletter
from digest.newsletters.publicity.archive_access import OwnArchiveAccess
from digest.pictures.models import Picture


class Issue(HasUuid, OwnArchiveAccess):
    """One issue of a newsletter for one slot and those who chose its cadence.

    The slot, in UTC, is its key. A weekly issue holds what the issues of its week held.
    """

    class State(LowercaseLabels, models.TextChoices):
        """Where an issue is on its way to subscribers."""

        DRAFT = "draft"
        BUILT = "built", "scheduled"
        SENDING = "sending"
        PAUSED = "paused"
        SENT = "sent"
        SKIPPED = "skipped"
        CANCELLED = "cancelled"

    class Kind(models.TextChoices):
        """What an issue was made for."""

        SCHEDULED = "scheduled"
        MANUAL = "manual"
        TEMPLATE = "template"  # the draft of a mail of a series: it is never sent itself
        SERIES = "series"  # a mail of a series, sent to each subscriber when it is due for them

    REGULAR = ~Q(kind__in=["template", "series"])  # issues as subscribers know them
    FOR_EVERYONE = REGULAR & Q(segment=None, only_topics=[])  # who has its newsletter and cadence
    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="issues")
    slot = models.DateTimeField()
    cadence = models.CharField(max_length=8, choices=Cadence, default=Cadence.EVERY)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.SCHEDULED)
    state = models.CharField(max_length=16, choices=State)
    reason = models.TextField(blank=True)  # why it was skipped or cancelled, for an editor to read
    subject = models.TextField(blank=True)  # blank until compiled
    preheader = models.TextField(blank=True)
    # For this issue alone, instead of the newsletter's templates; templates as well.
    own_subject = models.CharField(max_length=250, blank=True)
    own_preheader = models.CharField(max_length=250, blank=True)
    only_topics = ArrayField(  # for subscribers who chose one of these; none: for everyone
        models.CharField(max_length=200), default=list, blank=True
    )
    segment = models.ForeignKey(  # only for these subscribers; none: for everyone
        Segment, on_delete=models.RESTRICT, null=True, related_name="issues"
    )
    revision = models.PositiveIntegerField(default=1)  # counts an editor's changes
    # The first revision of what it says now: in later ones, only pictures are other ones.
    content_revision = models.PositiveIntegerField(default=1)
    # Which of its revisions it shows, where changes were undone; see digest.issues.history.
    history_position = models.PositiveIntegerField(default=0)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # Ids of all users who changed it since a second person approved it.
    contributors = ArrayField(models.BigIntegerField(), default=list, blank=True)
    # One of several who changed it approved it; another of them has to do so, too.
    partly_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    partly_approved_hash = models.CharField(max_length=64, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    approved_hash = models.CharField(max_length=64, blank=True)  # of the content approved
    send_at = models.DateTimeField(null=True)  # set by a person, for everyone: instead of the slot
    on_hold = models.BooleanField(default=False)  # not sent at its slot, but when somebody sends it
    review_until = models.DateTimeField(null=True)  # not planned before
    # Names the wish that made it: pressing twice makes one.
    start_key = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  NULL is none
    left_out = models.JSONField(default=list)  # [{"article": id, "title": str, "reason": str}]
    built_at = models.DateTimeField()
    planned_at = models.DateTimeField(null=True)  # when sending began: subscribers of then get it
    # While it is being planned: up to which subscriber, by id. NULL before and after.
    planned_through = models.BigIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)
    stands_open = models.BooleanField(default=False)  # it is not finished when nothing is due

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["newsletter", "slot", "cadence"], name="issue_once_a_slot"
            ),
            models.CheckConstraint(
                condition=~Q(state="skipped") | ~Q(reason=""), name="issue_skip_has_reason"
            ),
        ]
        indexes = [
            partial_index("issue_open", "state", state__in=["draft", "built", "sending", "paused"]),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}, {self.slot:%Y-%m-%d %H:%M} UTC"

    def make_next_revision(self) -> None:
        """Count a change of its content, unsaved."""
        self.revision += 1
        self.content_revision = self.revision

    def says_the_same_as(self, revision: int) -> bool:
        """Say whether an earlier revision, or this one, has the same content.

        Whoever saw that one saw all that there is: files of pictures may have come since, which
        the mail shows instead of those at the addresses that the stories name.
        """
        return self.content_revision <= revision <= self.revision

    @property
    def goes_at(self) -> datetime:
        """When it goes out, or did: at its slot, unless a person said otherwise."""
        return self.send_at or self.slot

    @property
    def goes_by_itself(self) -> bool:
        """Whether it goes out at its time, once it is approved where that is needed."""
        return self.kind == self.Kind.SCHEDULED and not self.on_hold

    @property
    def is_of_series(self) -> bool:
        """Whether it is a mail of a series, or the draft of one."""
        return self.kind in (self.Kind.TEMPLATE, self.Kind.SERIES)

    @property
    def key(self) -> str:
        """The issue's part in its archive address: its slot in UTC, `20261123T070000Z`."""
        return self.slot.strftime("%Y%m%dT%H%M%SZ")


def _unique_position(name: str) -> models.UniqueConstraint:
    """Return the constraint, deferred so that an order can be changed row by row."""
    return models.UniqueConstraint(
        fields=["issue", "position"], name=name, deferrable=models.Deferrable.DEFERRED
    )


class Block(BlockFields, HasUuid):
    """A block of an issue: made from the layout when the issue is built, then an editor's."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="blocks")
    layout_block = models.ForeignKey(
        LayoutBlock, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    appeal = models.ForeignKey(  # of an appeal or sponsor block
        Appeal, on_delete=models.SET_NULL, null=True, related_name="blocks"
    )
    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="+")  # its text
    hidden = models.BooleanField(default=False)  # kept, but in no mail
    version = models.PositiveIntegerField(default=1)  # counts changes of this block alone

    class Meta:
        ordering = ["position"]
        constraints = [_unique_position("block_position")]

    def __str__(self) -> str:
        return self.title or self.get_kind_display()

    @property
    def key(self) -> int:
        """What compiled mails know the block by: negative, as stories have the other numbers."""
        return -self.position - 1


class Story(HasUuid):
    """An article as it stands in an issue: a snapshot, so later edits change nothing sent."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="stories")
    article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="+")
    revision = models.PositiveIntegerField()
    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="stories")
    position = models.PositiveSmallIntegerField()  # in the whole issue, in the order of its blocks
    selected_by = models.ForeignKey(  # whose rule selected it, though it may lead
        LayoutBlock, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)  # counts changes of this story alone
    left_out = models.BooleanField(default=False)  # there was no room for it in the mail
    # Titles of the newsletter's topic blocks that the story belongs to, wherever it stands.
    topics = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    reason = models.TextField()  # why it was picked
    url = models.CharField(max_length=LONGEST_URL, blank=True)
    title = models.TextField()
    summary = models.TextField(blank=True)
    byline = models.TextField(blank=True)
    kicker = models.CharField(max_length=200, blank=True)  # the article's own section
    published_at = models.DateTimeField(null=True)
    word_count = models.PositiveIntegerField(default=0)  # of the article; 0: not known
    image_url = models.CharField(max_length=LONGEST_URL, blank=True)
    image_alt = models.TextField(blank=True)
    image_caption = models.TextField(blank=True)
    image_credit = models.TextField(blank=True)
    picture = models.ForeignKey(  # ours of the one at image_url, where the publication hosts them
        Picture, on_delete=models.SET_NULL, null=True, related_name="stories"
    )
    pinned = models.BooleanField(default=False)  # stays when stories are refreshed
    edited = models.BooleanField(default=False)  # an editor changed its text
    retracted_at = models.DateTimeField(null=True)  # in no mail since; a note in the archive
    retraction = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            _unique_position("story_position"),
            models.UniqueConstraint(fields=["issue", "article"], name="story_once_an_issue"),
        ]

    def __str__(self) -> str:
        return self.title


class IssueRevision(models.Model):
    """The content of an issue after a change; changes are undone and redone by these."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="history")
    position = models.PositiveIntegerField()  # 0 is the issue before its first change
    summary = models.CharField(max_length=300)  # what was changed, for the button "Undo"
    change_key = models.CharField(max_length=100, blank=True)  # of what is saved again and again
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField()
    content = models.JSONField()  # of digest.issues.history

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "position"], name="issue_revision_once"),
        ]

    def __str__(self) -> str:
        return self.summary


class TrackedLinkQuerySet(models.QuerySet["TrackedLink"]):
    """Tracked links of issues."""

    def in_mails(self) -> "TrackedLinkQuerySet":
        """Return those that subscribers received: not of drafts, nor of the web version alone."""
        rows = self.filter(in_mail=True).exclude(story__left_out=True)
        return rows.exclude(block__shown_in=ShownIn.WEB)


class TrackedLink(HasUuid):
    """A link of an issue's mail that leads through us, so that clicks can be counted.

    It stays when blocks or stories are removed: mails that were sent still have it.
    """

    class Kind(LowercaseLabels, models.TextChoices):
        """What stands behind a tracked link."""

        LINK = "link"
        ANSWER = "answer", "answer to a feedback question"
        TRAP = "trap", "hidden link"

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="links")
    # These ids outlive their rows: undoing a removal gives a block or story the same id again.
    block = models.ForeignKey(
        Block, on_delete=models.DO_NOTHING, null=True, related_name="links", db_constraint=False
    )
    story = models.ForeignKey(
        Story, on_delete=models.DO_NOTHING, null=True, related_name="links", db_constraint=False
    )
    article_id = models.BigIntegerField(null=True)
    appeal_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.LINK)
    position = models.PositiveSmallIntegerField()  # in the mail, from 0: the first has most clicks
    url = models.TextField()  # where it leads, exactly as the mail would have it; of an answer: it
    label = models.CharField(max_length=300, blank=True)  # its words in the mail, for people
    in_mail = models.BooleanField(default=True)  # False: it was in a draft, not when mails went out

    objects = TrackedLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            # A hash, because an index takes no more than 2.7 KB.
            models.UniqueConstraint(
                "issue",
                Coalesce("block", 0),
                Coalesce("story", 0),
                "kind",
                MD5("url"),
                name="tracked_link_once",
            ),
        ]

    def __str__(self) -> str:
        return self.url
