import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from digest.core.sql import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0001_initial"),
        ("newsletters", "0002_tracking"),
        ("subscribers", "0002_growth_by_source"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LinkTotals",
            fields=[
                ("link_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("issue_id", models.BigIntegerField(db_index=True)),
                ("clicks", models.BigIntegerField()),
                ("unique_clicks", models.BigIntegerField()),
                ("machine_clicks", models.BigIntegerField()),
                ("uncertain_clicks", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="IssueOutcome",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("issue_id", models.BigIntegerField()),
                (
                    "kind",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "unsubscribed"), (2, "bounced"), (3, "complained")]
                    ),
                ),
                ("number", models.BigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["issue_id"], include=("kind", "number"), name="outcome_of_issue"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportLink",
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
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "appeal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="report_links",
                        to="newsletters.appeal",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        run_sql_file("analytics", "link_totals"),
        run_sql_file("analytics", "unsubscribes"),
    ]
