import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "uuid",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(), editable=False
                    ),
                ),
                ("publication_id", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("due", "waits to be fetched"),
                            ("ready", "ready"),
                            ("refused", "refused"),
                        ],
                        default="ready",
                        max_length=8,
                    ),
                ),
                ("problem", models.TextField(blank=True)),
                ("source_url", models.CharField(blank=True, max_length=2000)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("width", models.PositiveIntegerField(default=0)),
                ("height", models.PositiveIntegerField(default=0)),
                (
                    "format",
                    models.CharField(
                        blank=True, choices=[("jpeg", "JPEG"), ("png", "PNG")], max_length=4
                    ),
                ),
                ("size", models.PositiveIntegerField(default=0)),
                ("focal_x", models.FloatField(default=0.5)),
                ("focal_y", models.FloatField(default=0.5)),
                ("alt", models.TextField(blank=True)),
                ("credit", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "due")),
                        fields=["next_try_at"],
                        name="picture_due",
                    ),
                    models.Index(fields=["publication_id", "-created_at"], name="picture_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("uuid",), name="picture_uuid"),
                    models.UniqueConstraint(
                        condition=models.Q(("source_url", "")),
                        fields=("publication_id", "sha256"),
                        name="picture_uploaded_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("source_url", ""), _negated=True),
                        fields=("publication_id", "source_url"),
                        name="picture_fetched_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("focal_x__range", (0, 1)), ("focal_y__range", (0, 1))),
                        name="picture_focal_point_inside",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ready"), _negated=True),
                            models.Q(
                                models.Q(("sha256", ""), _negated=True),
                                ("height__gt", 0),
                                ("width__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="picture_ready_has_contents",
                    ),
                ],
            },
        ),
    ]
