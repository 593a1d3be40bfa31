"""Sources and articles belong to one publication each."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Add the publication to sources and articles; both are unique within it."""

    dependencies = [("articles", "0001_initial")]

    operations = [
        migrations.AddField(
            "source", "publication_id", models.BigIntegerField(default=0), preserve_default=False
        ),
        migrations.AlterField("source", "url", models.URLField(max_length=2000)),
        migrations.AddConstraint(
            "source",
            models.UniqueConstraint(fields=["publication_id", "url"], name="source_once"),
        ),
        migrations.AddField("source", "moved_at", models.DateTimeField(null=True)),
        migrations.AddField("source", "moved_stories", models.PositiveIntegerField(default=0)),
        migrations.AddField(
            "article", "publication_id", models.BigIntegerField(default=0), preserve_default=False
        ),
        migrations.RemoveConstraint("article", "article_once_by_canonical_url"),
        migrations.AddConstraint(
            "article",
            models.UniqueConstraint(
                fields=["publication_id", "canonical_url"],
                condition=~Q(canonical_url=""),
                name="article_once_by_canonical_url",
            ),
        ),
        migrations.AddIndex(
            "sighting", models.Index(fields=["source", "-first_seen_at"], name="sighting_newest")
        ),
    ]
