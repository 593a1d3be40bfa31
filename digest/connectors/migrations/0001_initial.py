import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("newsletters", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uuid",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(), editable=False
                    ),
                ),
                ("name", models.SlugField(max_length=64, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("ghost", "Ghost"),
                            ("webhook", "Signed webhook (Wagtail and others)"),
                        ],
                        max_length=8,
                    ),
                ),
                ("sealed_secret", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("site_url", models.CharField(blank=True, max_length=2000)),
                ("sealed_key", models.TextField(blank=True)),
                ("catch_up_at", models.DateTimeField(null=True)),
                ("caught_up_to", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connections",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ReceivedEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("message_id", models.CharField(max_length=300)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("publish", "published"),
                            ("correct", "corrected"),
                            ("retract", "retracted"),
                        ],
                        max_length=8,
                    ),
                ),
                ("entry", models.JSONField(default=dict)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("received_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("new", "new article"),
                            ("changed", "article changed"),
                            ("unchanged", "unchanged"),
                            ("retracted", "article retracted"),
                            ("stale", "older than what is stored"),
                            ("unknown", "no such article"),
                            ("failed", "failed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("problem", models.TextField(blank=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="connectors.connection",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_at__isnull", True)),
                        fields=["connection", "id"],
                        name="received_event_due",
                    ),
                    models.Index(
                        condition=models.Q(("settled_at__isnull", False)),
                        fields=["settled_at"],
                        name="received_event_settled",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "message_id"), name="received_once"
                    )
                ],
            },
        ),
    ]
