import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from digest.core.database.sql import follow_changes, refuse_truncate, run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("issues", "0001_initial"),
        ("subscribers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnyDelivery",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("archived", models.BooleanField()),
                ("waiting", models.BooleanField()),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "queued"),
                            (1, "claimed"),
                            (2, "deferred"),
                            (3, "sent"),
                            (4, "failed"),
                            (5, "suppressed"),
                            (6, "cancelled"),
                            (7, "uncertain"),
                        ]
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField()),
                ("reply_code", models.PositiveSmallIntegerField(null=True)),
                ("reply", models.TextField(blank=True)),
            ],
            options={
                "db_table": "sending_anydelivery",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AppealTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("issue_id", models.BigIntegerField()),
                ("appeal_id", models.BigIntegerField()),
                ("deliveries", models.BigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["appeal_id", "issue_id"],
                        include=("deliveries",),
                        name="tally_of_appeal",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AppealReach",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "issue_id",
                        "appeal_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("issue_id", models.BigIntegerField()),
                ("appeal_id", models.BigIntegerField()),
                ("share", models.FloatField()),
            ],
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("issue_id", models.BigIntegerField(db_index=True)),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "queued"),
                            (1, "claimed"),
                            (2, "deferred"),
                            (3, "sent"),
                            (4, "failed"),
                            (5, "suppressed"),
                            (6, "cancelled"),
                            (7, "uncertain"),
                        ]
                    ),
                ),
                ("deliveries", models.BigIntegerField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("fence", models.BigIntegerField(primary_key=True, serialize=False)),
                ("journal", models.CharField(max_length=64)),
                ("lease_until", models.DateTimeField(db_index=True)),
                ("swept", models.BooleanField(db_default=False, default=False)),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="issues.issue",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CompiledMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1)),
                ("content_hash", models.CharField(blank=True, max_length=64)),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("data", models.BinaryField()),
                ("created_at", models.DateTimeField()),
                (
                    "issue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="compiled",
                        to="issues.issue",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PreflightRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("findings", models.JSONField(default=list)),
                ("passed", models.JSONField(default=list)),
                ("checked_at", models.DateTimeField()),
                (
                    "issue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="preflight",
                        to="issues.issue",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="VariantChoice",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "issue_id",
                        "subscriber_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("variant", models.PositiveSmallIntegerField()),
                ("probability", models.FloatField()),
                ("at", models.DateTimeField()),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="variant_choices",
                        to="issues.issue",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "queued"),
                            (1, "claimed"),
                            (2, "deferred"),
                            (3, "sent"),
                            (4, "failed"),
                            (5, "suppressed"),
                            (6, "cancelled"),
                            (7, "uncertain"),
                        ],
                        default=0,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("first_attempt_at", models.DateTimeField(null=True)),
                ("times_uncertain", models.PositiveSmallIntegerField(default=0)),
                ("fence", models.BigIntegerField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("reply_code", models.PositiveSmallIntegerField(null=True)),
                ("reply", models.TextField(blank=True)),
                (
                    "without_appeals",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), null=True, size=None
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="issues.issue",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", (0, 2))),
                        fields=["issue", "due_at", "id"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", 1)),
                        fields=["issue"],
                        name="delivery_in_flight",
                    ),
                    models.Index(
                        condition=models.Q(("fence__isnull", False)),
                        fields=["fence"],
                        name="delivery_fence",
                    ),
                    models.Index(
                        condition=models.Q(("state", 7)),
                        fields=["issue"],
                        name="delivery_uncertain",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", (4, 5, 6, 7))),
                        fields=["issue", "state", "subscriber"],
                        name="delivery_not_sent",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", (0, 2)), ("subscriber__isnull", True)),
                        fields=["id"],
                        name="delivery_anonymous",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("issue", "subscriber"), name="delivery_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", 1), _negated=True),
                            ("fence__isnull", False),
                            _connector="OR",
                        ),
                        name="delivery_claimed_has_fence",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", (3, 4, 5, 6)), _negated=True),
                            ("settled_at__isnull", False),
                            _connector="OR",
                        ),
                        name="delivery_settled_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                ("first_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("fence", models.BigIntegerField(null=True)),
                (
                    "subscriber_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(null=True), size=None
                    ),
                ),
                ("size", models.PositiveIntegerField()),
                ("lowest", models.BigIntegerField()),
                ("highest", models.BigIntegerField()),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="issues.issue",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("fence__isnull", True)),
                        fields=["issue", "due_at", "first_id"],
                        name="chunk_due",
                    ),
                    models.Index(fields=["issue", "first_id"], name="chunk_of_issue"),
                    models.Index(
                        condition=models.Q(("fence__isnull", False)),
                        fields=["fence"],
                        name="chunk_fence",
                    ),
                    models.Index(fields=["highest", "lowest"], name="chunk_of_subscriber"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("size__gt", 0)), name="chunk_is_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SentDelivery",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "issue_id",
                        "subscriber_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("reply_code", models.PositiveSmallIntegerField(null=True)),
                ("reply", models.TextField(blank=True)),
                (
                    "issue",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sent_deliveries",
                        to="issues.issue",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="sent_deliveries",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PastDelivery",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "issue_id",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "queued"),
                            (1, "claimed"),
                            (2, "deferred"),
                            (3, "sent"),
                            (4, "failed"),
                            (5, "suppressed"),
                            (6, "cancelled"),
                            (7, "uncertain"),
                        ]
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField()),
                ("reply_code", models.PositiveSmallIntegerField(null=True)),
                ("reply", models.TextField(blank=True)),
                (
                    "without_appeals",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), null=True, size=None
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="past_deliveries",
                        to="issues.issue",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="past_deliveries",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", (4, 5, 6, 7))),
                        fields=["issue", "state", "id"],
                        name="past_delivery_not_sent",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "issue"), name="past_delivery_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", (3, 4, 5, 6, 7))),
                        name="past_delivery_is_over",
                    ),
                ],
            },
        ),
        run_sql_file("sending", "tally"),
        follow_changes("sending_delivery", "sending_record_tally"),
        run_sql_file("sending", "past_deliveries"),
        # Past and sent deliveries go after their time, issue by issue.
        refuse_truncate("sending_pastdelivery"),
        run_sql_file("sending", "chunks"),
        follow_changes("sending_chunk", "sending_record_chunks"),
        refuse_truncate("sending_sentdelivery"),
    ]
