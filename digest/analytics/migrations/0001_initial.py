import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from digest.core.database.sql import follow_changes, run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("sending", "0001_initial"),
        ("subscribers", "0001_initial"),
        ("newsletters", "0001_initial"),
        ("issues", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DailySalt",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("salt", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="IssueTotals",
            fields=[
                ("issue_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("clicks", models.BigIntegerField(default=0)),
                ("unique_clickers", models.BigIntegerField(default=0)),
                ("machine_clicks", models.BigIntegerField(default=0)),
                ("uncertain_clicks", models.BigIntegerField(default=0)),
                ("opens", models.BigIntegerField(default=0)),
                ("uncertain_opens", models.BigIntegerField(default=0)),
                ("machine_opens", models.BigIntegerField(default=0)),
                ("changed_at", models.DateTimeField()),
            ],
        ),
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
            name="LoadedNetworks",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                ("network_class", models.PositiveSmallIntegerField()),
                ("source", models.CharField(max_length=200)),
                ("published", models.CharField(blank=True, max_length=60)),
                ("networks", models.TextField()),
                ("loaded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Hit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("issue_id", models.BigIntegerField()),
                ("link_id", models.BigIntegerField(default=0)),
                (
                    "kind",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "click"), (2, "open"), (3, "hidden link")]
                    ),
                ),
                ("subscriber_id", models.BigIntegerField(null=True)),
                ("visitor", models.BigIntegerField()),
                ("network", models.CharField(max_length=43)),
                ("agent", models.CharField(blank=True, max_length=32)),
                ("since_delivery", models.IntegerField(null=True)),
                ("variant", models.PositiveSmallIntegerField(null=True)),
                (
                    "verdict",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "human"), (2, "machine"), (3, "uncertain")], null=True
                    ),
                ),
                ("reasons", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["issue_id", "visitor", "at"], name="hit_of_visitor"),
                    models.Index(
                        condition=models.Q(("verdict__isnull", True)),
                        fields=["id"],
                        name="hit_not_judged",
                    ),
                    models.Index(
                        condition=models.Q(("subscriber_id__isnull", False)),
                        fields=["subscriber_id", "at"],
                        name="hit_of_subscriber",
                    ),
                    models.Index(
                        condition=models.Q(("kind", 1), ("subscriber_id__isnull", True)),
                        fields=["link_id", "at"],
                        name="hit_of_nobody",
                    ),
                ],
            },
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
            name="LinkHour",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "issue_id",
                        "link_id",
                        "hour",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("issue_id", models.BigIntegerField()),
                ("link_id", models.BigIntegerField()),
                ("hour", models.DateTimeField()),
                ("clicks", models.BigIntegerField(default=0)),
                ("unique_clicks", models.BigIntegerField(default=0)),
                ("clickers", models.BigIntegerField(default=0)),
                ("machine_clicks", models.BigIntegerField(default=0)),
                ("uncertain_clicks", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["link_id", "hour"], name="link_hour_of_link")],
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
        migrations.CreateModel(
            name="SiteConnection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=16)),
                ("address", models.CharField(max_length=2000)),
                ("site", models.CharField(blank=True, max_length=255)),
                ("username", models.CharField(blank=True, max_length=255)),
                ("sealed_secret", models.TextField(blank=True)),
                ("due_at", models.DateTimeField()),
                ("collected_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
                ("pages", models.PositiveIntegerField(default=0)),
                ("matched", models.PositiveIntegerField(default=0)),
                (
                    "unknown",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "publication",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="site_connection",
                        to="newsletters.publication",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StoryReach",
            fields=[
                (
                    "story",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="reach",
                        serialize=False,
                        to="issues.story",
                    ),
                ),
                ("share", models.FloatField()),
            ],
        ),
        run_sql_file("analytics", "link_totals"),
        follow_changes("analytics_linkhour", "analytics_on_link_hours"),
        run_sql_file("analytics", "unsubscribes"),
    ]
