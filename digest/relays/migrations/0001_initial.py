import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from digest.core.database.sql import run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Relay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=64, unique=True)),
                ("sealed_url", models.TextField(blank=True)),
                ("active", models.BooleanField(default=True)),
                (
                    "sender_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("weight", models.PositiveSmallIntegerField(default=1)),
                ("connections", models.PositiveSmallIntegerField(null=True)),
                ("per_minute", models.PositiveIntegerField(null=True)),
                ("domain_limits", models.JSONField(default=dict)),
                ("warming_since", models.DateField(null=True)),
                ("warming_start", models.PositiveIntegerField(default=1000)),
                ("warming_growth", models.FloatField(default=2.0)),
                ("warming_until", models.PositiveIntegerField(default=1000000)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("down_since", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="PausedDomain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.CharField(max_length=253)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("times", models.PositiveSmallIntegerField(default=1)),
                ("reason", models.TextField(blank=True)),
                (
                    "relay",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="paused_domains",
                        to="relays.relay",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("relay", "domain"), name="paused_domain_once")
                ],
            },
        ),
        run_sql_file("relays", "fences"),
    ]
