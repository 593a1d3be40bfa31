"""Hits on links and pixels of issues, and what they add up to.

    Hit          what came in: raw, judged later, deleted after some months
    StoryReach   which share of an issue's mails had a story
    LinkHour     totals of one link and hour, for ever
    LinkTotals   totals of one link, for ever: a trigger sums them up
    IssueTotals  totals of one issue, for ever
    IssueOutcome who unsubscribed, bounced or complained after an issue: triggers count them
    SiteConnection  where a publication's site has its analytics
    ReportLink   a link under which somebody without an account sees the report of a sponsor

Hits and totals have no foreign keys: writers must not wait for each other, and totals outlive the
links and issues that they count. Ids are never given twice (sequences).
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.text import counted
from digest.core.uuids import HasUuid
from digest.issues.models import Story
from digest.newsletters.models import Appeal, Publication


class HitKind(LowercaseLabels, models.IntegerChoices):
    """What somebody, or something, requested."""

    CLICK = 1
    OPEN = 2
    TRAP = 3, "hidden link"  # which nobody sees


class Verdict(LowercaseLabels, models.IntegerChoices):
    """Whether a person was behind a hit. Proxies of mailbox providers are neither."""

    HUMAN = 1
    MACHINE = 2
    UNCERTAIN = 3


class Hit(models.Model):
    """One request for a tracked link or a pixel."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    issue_id = models.BigIntegerField()
    link_id = models.BigIntegerField(default=0)  # 0: an open
    kind = models.PositiveSmallIntegerField(choices=HitKind)
    # Of a publication that counts individuals, and only there.
    subscriber_id = models.BigIntegerField(null=True)
    # Tells clients apart within an issue: of the subscriber, or else a hash with a salt of the day.
    visitor = models.BigIntegerField()
    network = models.CharField(max_length=43)  # /24 of IPv4 or /48 of IPv6; never the address
    agent = models.CharField(max_length=32, blank=True)  # class of the user agent
    since_delivery = models.IntegerField(null=True)  # seconds; of the issue where nobody is named
    # Of an experiment (issues.Experiment), where the link says it instead of the subscriber.
    variant = models.PositiveSmallIntegerField(null=True)
    verdict = models.PositiveSmallIntegerField(choices=Verdict, null=True)  # null: not judged yet
    reasons = models.PositiveIntegerField(default=0)  # bits, by digest.analytics.verdicts.Reason

    class Meta:
        indexes = [
            models.Index(fields=["issue_id", "visitor", "at"], name="hit_of_visitor"),
            partial_index("hit_not_judged", "id", verdict__isnull=True),
            partial_index("hit_of_subscriber", "subscriber_id", "at", subscriber_id__isnull=False),
            # Clicks beside a data centre's, where links name nobody (verdicts.crowd).
            partial_index(
                "hit_of_nobody", "link_id", "at", subscriber_id__isnull=True, kind=HitKind.CLICK
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} in issue {self.issue_id}, {self.at:%Y-%m-%d %H:%M} UTC"


class StoryReach(models.Model):
    """Which share of an issue's mails had a story, by the topics that its subscribers chose."""

    story = models.OneToOneField(
        Story, on_delete=models.CASCADE, primary_key=True, related_name="reach"
    )
    share = models.FloatField()  # from 0 to 1

    def __str__(self) -> str:
        return f"{self.story}: {self.share:.0%}"


class LinkHour(models.Model):
    """Clicks on one link within one hour (UTC), by verdict."""

    pk = models.CompositePrimaryKey("issue_id", "link_id", "hour")
    issue_id = models.BigIntegerField()
    link_id = models.BigIntegerField()
    hour = models.DateTimeField()
    clicks = models.BigIntegerField(default=0)  # human
    unique_clicks = models.BigIntegerField(default=0)  # human, the first of each visitor
    # Human, the first of each visitor in the issue: over its links and hours, all who clicked.
    clickers = models.BigIntegerField(default=0)
    machine_clicks = models.BigIntegerField(default=0)
    uncertain_clicks = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["link_id", "hour"], name="link_hour_of_link")]

    def __str__(self) -> str:
        return f"Link {self.link_id}, {self.hour:%Y-%m-%d %H}:00 UTC: {self.clicks}"


class IssueTotals(models.Model):
    """What the hits of one issue add up to."""

    issue_id = models.BigIntegerField(primary_key=True)
    clicks = models.BigIntegerField(default=0)  # human
    unique_clickers = models.BigIntegerField(default=0)  # visitors with a human click
    machine_clicks = models.BigIntegerField(default=0)  # filtered, hidden links included
    uncertain_clicks = models.BigIntegerField(default=0)
    opens = models.BigIntegerField(default=0)  # human
    uncertain_opens = models.BigIntegerField(default=0)  # by proxies of mailbox providers
    machine_opens = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Issue {self.issue_id}: {counted(self.clicks, 'click')}"


class LoadedNetworks(models.Model):
    """A list of networks that an operator loaded (digest.analytics.networks)."""

    name = models.CharField(max_length=60, unique=True)
    network_class = models.PositiveSmallIntegerField()  # of digest.analytics.verdicts.networks
    source = models.CharField(max_length=200)  # the file's name
    published = models.CharField(max_length=60, blank=True)  # as the file says it
    networks = models.TextField()  # in CIDR notation, one a line
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class DailySalt(models.Model):
    """The random salt of one day (UTC) for hashes of clients; deleted after two days."""

    day = models.DateField(primary_key=True)
    salt = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.day}"


class LinkTotals(models.Model):
    """The clicks of one link, in all: a trigger keeps it equal to the sum of its `LinkHour`."""

    link_id = models.BigIntegerField(primary_key=True)
    issue_id = models.BigIntegerField(db_index=True)
    clicks = models.BigIntegerField()  # human
    unique_clicks = models.BigIntegerField()  # human, the first of each visitor
    machine_clicks = models.BigIntegerField()
    uncertain_clicks = models.BigIntegerField()

    def __str__(self) -> str:
        return f"Link {self.link_id}: {self.clicks}"


class IssueOutcome(models.Model):
    """How many unsubscribed, bounced or complained after an issue: several rows, to be summed.

    Triggers on consent events and bounces write them, without foreign keys, so that writers do not
    wait for each other.
    """

    class Kind(LowercaseLabels, models.IntegerChoices):
        """What followed from an issue."""

        UNSUBSCRIBED = 1  # by the link in its mail
        BOUNCED = 2  # came back after it was accepted
        COMPLAINED = 3

    issue_id = models.BigIntegerField()
    kind = models.PositiveSmallIntegerField(choices=Kind)
    number = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["issue_id"], include=["kind", "number"], name="outcome_of_issue")
        ]

    def __str__(self) -> str:
        return f"Issue {self.issue_id}: {self.number:+} {self.get_kind_display()}"


class ReportLink(HasUuid):
    """A link to the report of an appeal or a sponsor that needs no account, until it is revoked."""

    appeal = models.ForeignKey(Appeal, on_delete=models.CASCADE, related_name="report_links")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Report of {self.appeal}"


class SiteConnection(models.Model):
    """Where the analytics of a publication's site are: digest.analytics.site."""

    publication = models.OneToOneField(
        Publication, on_delete=models.CASCADE, related_name="site_connection"
    )
    kind = models.CharField(max_length=16)  # of digest.analytics.site.kinds
    address = models.CharField(max_length=2000)
    site = models.CharField(max_length=255, blank=True)  # as the software calls it
    username = models.CharField(max_length=255, blank=True)
    sealed_secret = models.TextField(blank=True)
    due_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    problem = models.TextField(blank=True)  # of the last attempt, for people
    pages = models.PositiveIntegerField(default=0)  # of the last answer
    matched = models.PositiveIntegerField(default=0)  # that are articles
    unknown = ArrayField(models.TextField(), default=list, blank=True)  # examples of others

    def __str__(self) -> str:
        return f"{self.kind} of {self.publication}"
