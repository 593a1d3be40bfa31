"""Where articles come from, and the articles."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, QuerySet

from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.text import LONGEST_URL


class Source(Leased):
    """A feed or a page that is polled for the articles of one publication."""

    class Kind(models.TextChoices):
        """How articles are read from it."""

        FEED = "feed", "RSS, Atom or JSON Feed"
        PAGE = "page", "a single HTML article"
        PUSHED = "pushed", "articles that the publisher's system pushes"  # never polled

    # Not a foreign key, because publications belong to a floor above. Newsletters of other
    # publications cannot use the source; a trigger in the database refuses it.
    publication_id = models.BigIntegerField()
    url = models.URLField(max_length=LONGEST_URL)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.FEED)
    title = models.CharField(max_length=300, blank=True)
    site_url = models.URLField(max_length=LONGEST_URL, blank=True)
    language = models.CharField(max_length=35, blank=True)

    # Seconds that its document asks to wait between two polls: a 304 has none.
    ttl = models.PositiveIntegerField(default=0)
    etag = models.TextField(blank=True)
    last_modified = models.TextField(blank=True)
    next_poll_at = models.DateTimeField(db_index=True)
    polled_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    gone_at = models.DateTimeField(null=True)  # answered 410: never polled again
    moved_at = models.DateTimeField(null=True)  # its stories came back under new addresses
    moved_stories = models.PositiveIntegerField(default=0)  # that were recognised then
    parser_kills = models.PositiveSmallIntegerField(default=0)  # in the last weeks: `switching`
    parser_killed_at = models.DateTimeField(null=True)
    switched_off_at = models.DateTimeField(null=True)  # not polled until somebody switches it on
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(url=""), name="source_has_url"),
            models.UniqueConstraint(fields=["publication_id", "url"], name="source_once"),
        ]

    def __str__(self) -> str:
        return self.title or self.url

    @classmethod
    def polled(cls) -> QuerySet["Source"]:
        """Return the sources that are polled for articles."""
        rows = cls.objects.filter(gone_at=None, switched_off_at=None)
        return rows.exclude(kind=cls.Kind.PUSHED)

    @property
    def is_polled(self) -> bool:
        """Return whether the source is polled for articles."""
        is_off = self.gone_at is not None or self.switched_off_at is not None
        return self.kind != self.Kind.PUSHED and not is_off


class Article(models.Model):
    """One article of one publication, however many of its sources carry it.

    The same link in the sources of two publications gives each an article of its own.

    `available_at` is the moment from which selection may see it: the published time, or the time
    it was first seen if that came later (a late or undated article).
    """

    publication_id = models.BigIntegerField()
    canonical_url = models.CharField(max_length=LONGEST_URL, blank=True)
    url = models.CharField(max_length=LONGEST_URL, blank=True)
    title = models.TextField()
    summary = models.TextField(blank=True)  # plain text
    body_html = models.TextField(blank=True)  # cleaned by nh3
    byline = models.TextField(blank=True)
    section = models.CharField(max_length=200, blank=True)
    tags = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    language = models.CharField(max_length=35, blank=True)

    published_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    available_at = models.DateTimeField(db_index=True)
    marked_updated_at = models.DateTimeField(null=True)  # an editor's word: send it once more
    retracted_at = models.DateTimeField(null=True)  # put it into no issue any more
    retracted_by_system = models.BooleanField(default=False)  # where it was written; else an editor

    image_url = models.CharField(max_length=LONGEST_URL, blank=True)
    image_alt = models.TextField(blank=True)
    image_caption = models.TextField(blank=True)
    image_credit = models.TextField(blank=True)

    revision = models.PositiveIntegerField(default=1)
    content_hash = models.CharField(max_length=64)
    score = models.FloatField(default=0)  # from 0 to 1: digest.analytics.popularity
    # As the site's analytics last counted them, and when they did: digest.articles.site_views.
    views = models.BigIntegerField(default=0)  # of a period: page views
    views_at = models.DateTimeField(null=True)
    # Seconds that a visitor reads it, over those that its length takes; null: not known.
    read_depth = models.FloatField(null=True)

    sources = models.ManyToManyField(Source, through="Sighting", related_name="articles")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["publication_id", "canonical_url"],
                condition=~Q(canonical_url=""),
                name="article_once_by_canonical_url",
            ),
        ]
        indexes = [
            partial_index("article_popular", "publication_id", "-score", score__gt=0),
        ]

    def __str__(self) -> str:
        return self.title


class Revision(models.Model):
    """What an article said before and after each change, the first included."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.TextField()
    summary = models.TextField(blank=True)
    body_html = models.TextField(blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="revision_once")]

    def __str__(self) -> str:
        return f"{self.title} (revision {self.number})"


class Sighting(models.Model):
    """An article as one source carries it, under the source's own id for it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="sightings")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sightings")
    guid = models.TextField(blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "article"], name="sighting_once"),
        ]
        indexes = [
            models.Index(fields=["source", "-first_seen_at"], name="sighting_newest"),
            # Hashed: publishers put whole sentences into guids, a btree would refuse the long ones.
            models.Index(
                models.F("source"), models.Func("guid", function="md5"), name="sighting_guid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.article} in {self.source}"
