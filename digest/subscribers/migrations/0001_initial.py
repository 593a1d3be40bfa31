import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from digest.core.database.sql import refuse_truncate, run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("newsletters", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.CharField(max_length=320)),
                ("address_key", models.CharField(max_length=320)),
                (
                    "newsletters",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=35)),
                ("via", models.CharField(max_length=32)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("wording", models.TextField(blank=True)),
                ("wording_version", models.CharField(blank=True, max_length=64)),
                ("page", models.CharField(blank=True, db_default="", max_length=500)),
                ("campaign", models.CharField(blank=True, db_default="", max_length=300)),
                ("values", models.JSONField(default=dict)),
                ("answers", models.JSONField(null=True)),
                ("reads", models.CharField(blank=True, max_length=16)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Cohort",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("newsletter_id", models.BigIntegerField()),
                ("joined", models.DateField()),
                ("left", models.DateField(null=True)),
                ("subscribers", models.BigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["newsletter_id", "joined"], name="cohort_of_newsletter")
                ],
            },
        ),
        migrations.CreateModel(
            name="Growth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("newsletter_id", models.BigIntegerField()),
                ("source", models.CharField(blank=True, db_default="", max_length=32)),
                ("joined", models.BigIntegerField()),
                ("left", models.BigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["day"], name="growth_by_day"),
                    models.Index(
                        fields=["newsletter_id", "day"],
                        include=("source", "joined", "left"),
                        name="growth_of_newsletter",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscriber",
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
                ("email", models.CharField(max_length=320)),
                ("address_key", models.CharField(max_length=320, unique=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("language", models.CharField(blank=True, max_length=35)),
                ("timezone", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
                ("acted_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("timezone", ""), _negated=True),
                        fields=["timezone"],
                        name="subscriber_zone",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AddressChange",
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
                ("email", models.CharField(max_length=320)),
                ("address_key", models.CharField(max_length=320)),
                ("former_email", models.CharField(blank=True, max_length=320)),
                ("requested_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_changes",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ConsentEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("confirmed", "Confirmed"),
                            ("imported", "Imported"),
                            ("unsubscribed", "Unsubscribed"),
                            ("restored", "Restored"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("via", models.CharField(max_length=32)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("wording", models.TextField(blank=True)),
                ("wording_version", models.CharField(blank=True, max_length=64)),
                ("page", models.CharField(blank=True, db_default="", max_length=500)),
                ("campaign", models.CharField(blank=True, db_default="", max_length=300)),
                ("issue_id", models.BigIntegerField(null=True)),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="newsletters.newsletter",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consent_events",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["at"], name="consent_by_time"),
                    models.Index(
                        condition=models.Q(
                            ("action", "requested"),
                            models.Q(("campaign", ""), ("page", ""), _negated=True),
                        ),
                        fields=["newsletter", "at"],
                        include=["page", "campaign", "subscriber"],
                        name="consent_by_origin",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "not confirmed yet"),
                            ("active", "subscribed"),
                            ("unsubscribed", "unsubscribed"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "cadence",
                    models.CharField(
                        choices=[
                            ("every", "every issue"),
                            ("daily", "once a day"),
                            ("weekly", "once a week"),
                        ],
                        db_default="every",
                        default="every",
                        max_length=8,
                    ),
                ),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "muted_topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("paused_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("unsubscribed_at", models.DateTimeField(null=True)),
                ("answers", models.JSONField(null=True)),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="newsletters.newsletter",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "active")),
                        fields=["newsletter", "subscriber"],
                        name="subscription_audience",
                    ),
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["created_at"],
                        name="subscription_pending",
                    ),
                    models.Index(
                        condition=models.Q(("answers__isnull", False), ("state", "unsubscribed")),
                        fields=["id"],
                        name="subscription_entered",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "newsletter"), name="subscription_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "active"), _negated=True),
                            ("confirmed_at__isnull", False),
                            _connector="OR",
                        ),
                        name="subscription_active_is_confirmed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("attributes", models.JSONField(default=dict)),
                ("unconfirmed", models.JSONField(null=True)),
                (
                    "publication",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="newsletters.publication",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="profiles",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="profile_tags"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["attributes"],
                        name="profile_attributes",
                        opclasses=["jsonb_path_ops"],
                    ),
                    models.Index(
                        condition=models.Q(("unconfirmed__isnull", False)),
                        fields=["id"],
                        name="profile_entered",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "publication"), name="profile_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address_key", models.CharField(max_length=320)),
                ("reason", models.CharField(max_length=64)),
                ("evidence", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "newsletter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suppressions",
                        to="newsletters.newsletter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("address_key", "newsletter"),
                        name="suppression_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UnsubscribeFeedback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("too often", "Too Often"),
                            ("not interesting", "Not Interesting"),
                            ("never asked", "Never Asked"),
                            ("read elsewhere", "Elsewhere"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                    ),
                ),
                ("comment", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unsubscribe_feedback",
                        to="newsletters.newsletter",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="unsubscribe_feedback",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "newsletter"), name="unsubscribe_feedback_once"
                    )
                ],
            },
        ),
        run_sql_file("subscribers", "consent_events"),
        refuse_truncate("subscribers_consentevent"),
        run_sql_file("subscribers", "growth"),
    ]
