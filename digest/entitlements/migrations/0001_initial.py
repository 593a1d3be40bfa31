import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

from digest.core.database.sql import run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("newsletters", "0001_initial"),
        ("subscribers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="StripeAccount",
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
                ("tier_without", models.CharField(blank=True, max_length=100)),
                ("has_grace", models.BooleanField(default=True)),
                ("sealed_secret", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(null=True)),
                ("settled_to", models.BigIntegerField(null=True)),
                ("is_ending", models.BooleanField(default=False)),
                (
                    "attribute",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="stripe_accounts",
                        to="newsletters.attribute",
                    ),
                ),
                (
                    "publication",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stripe_account",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="TierRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=120)),
                ("tier", models.CharField(max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="entitlements.stripeaccount",
                    ),
                ),
            ],
            options={
                "ordering": ["reference"],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "reference"), name="tier_rule_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("customer_id", models.CharField(max_length=120)),
                ("email", models.CharField(blank=True, max_length=320)),
                ("address_key", models.CharField(blank=True, max_length=320)),
                ("as_of", models.DateTimeField()),
                ("is_own_address", models.BooleanField(default=False)),
                ("deleted", models.BooleanField(default=False)),
                ("tier", models.CharField(blank=True, max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="customers",
                        to="entitlements.stripeaccount",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="stripe_customers",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("address_key", ""), _negated=True),
                        fields=["account", "address_key"],
                        name="customer_by_address",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "customer_id"), name="customer_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PaidSubscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subscription_id", models.CharField(max_length=120)),
                ("customer_id", models.CharField(max_length=120)),
                ("items", models.JSONField(default=list)),
                ("status", models.CharField(blank=True, max_length=32)),
                ("as_of", models.DateTimeField(null=True)),
                ("rank", models.PositiveSmallIntegerField(default=0)),
                ("payment_failed_at", models.DateTimeField(null=True)),
                ("payment_as_of", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="paid",
                        to="entitlements.stripeaccount",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "customer_id"], name="paid_subscription_of")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "subscription_id"), name="paid_subscription_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tier", models.CharField(max_length=100)),
                ("former_tier", models.CharField(blank=True, max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="entitlements.stripeaccount",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("account", "subscriber"), name="grant_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=120)),
                ("made_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("applied", "applied"),
                            ("older", "older than what is known"),
                            ("ignored", "not about a membership"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="entitlements.stripeaccount",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["received_at"], name="stripe_event_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "event_id"), name="stripe_event_once"
                    )
                ],
            },
        ),
        run_sql_file("entitlements", "members"),
    ]
