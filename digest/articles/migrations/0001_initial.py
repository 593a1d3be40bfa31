import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Article",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("publication_id", models.BigIntegerField()),
                ("canonical_url", models.CharField(blank=True, max_length=2000)),
                ("url", models.CharField(blank=True, max_length=2000)),
                ("title", models.TextField()),
                ("summary", models.TextField(blank=True)),
                ("body_html", models.TextField(blank=True)),
                ("byline", models.TextField(blank=True)),
                ("section", models.CharField(blank=True, max_length=200)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=35)),
                ("published_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(null=True)),
                ("first_seen_at", models.DateTimeField()),
                ("available_at", models.DateTimeField(db_index=True)),
                ("marked_updated_at", models.DateTimeField(null=True)),
                ("retracted_at", models.DateTimeField(null=True)),
                ("retracted_by_system", models.BooleanField(default=False)),
                ("image_url", models.CharField(blank=True, max_length=2000)),
                ("image_alt", models.TextField(blank=True)),
                ("image_caption", models.TextField(blank=True)),
                ("image_credit", models.TextField(blank=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("content_hash", models.CharField(max_length=64)),
                ("score", models.FloatField(default=0)),
                ("views", models.BigIntegerField(default=0)),
                ("views_at", models.DateTimeField(null=True)),
                ("read_depth", models.FloatField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("score__gt", 0)),
                        fields=["publication_id", "-score"],
                        name="article_popular",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("canonical_url", ""), _negated=True),
                        fields=("publication_id", "canonical_url"),
                        name="article_once_by_canonical_url",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                ("publication_id", models.BigIntegerField()),
                ("url", models.URLField(max_length=2000)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("feed", "RSS, Atom or JSON Feed"),
                            ("page", "a single HTML article"),
                            ("pushed", "articles that the publisher's system pushes"),
                        ],
                        default="feed",
                        max_length=8,
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=300)),
                ("site_url", models.URLField(blank=True, max_length=2000)),
                ("language", models.CharField(blank=True, max_length=35)),
                ("ttl", models.PositiveIntegerField(default=0)),
                ("etag", models.TextField(blank=True)),
                ("last_modified", models.TextField(blank=True)),
                ("next_poll_at", models.DateTimeField(db_index=True)),
                ("polled_at", models.DateTimeField(null=True)),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
                ("gone_at", models.DateTimeField(null=True)),
                ("moved_at", models.DateTimeField(null=True)),
                ("moved_stories", models.PositiveIntegerField(default=0)),
                ("parser_kills", models.PositiveSmallIntegerField(default=0)),
                ("parser_killed_at", models.DateTimeField(null=True)),
                ("switched_off_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("url", ""), _negated=True), name="source_has_url"
                    ),
                    models.UniqueConstraint(fields=("publication_id", "url"), name="source_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Sighting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("guid", models.TextField(blank=True)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sightings",
                        to="articles.article",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sightings",
                        to="articles.source",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["source", "-first_seen_at"], name="sighting_newest"),
                    models.Index(
                        models.F("source"),
                        models.Func("guid", function="md5"),
                        name="sighting_guid",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "article"), name="sighting_once"),
                ],
            },
        ),
        migrations.AddField(
            model_name="article",
            name="sources",
            field=models.ManyToManyField(
                related_name="articles", through="articles.Sighting", to="articles.source"
            ),
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("title", models.TextField()),
                ("summary", models.TextField(blank=True)),
                ("body_html", models.TextField(blank=True)),
                ("seen_at", models.DateTimeField()),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="articles.article",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("article", "number"), name="revision_once")
                ],
            },
        ),
    ]
