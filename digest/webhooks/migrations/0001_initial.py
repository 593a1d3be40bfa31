import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

from digest.core.database.sql import run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("subscribers", "0001_initial"),
        ("newsletters", "0001_initial"),
        ("issues", "0001_initial"),
        ("bounces", "0001_initial"),
        ("sending", "0001_initial"),
        ("series", "0001_initial"),
        ("issues", "0001_initial"),
        ("newsletters", "0001_initial"),
        ("subscribers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=64, unique=True)),
                ("url", models.CharField(max_length=2000)),
                ("sealed_secret", models.TextField()),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                (
                                    "subscriber.subscribed",
                                    "a subscriber has confirmed a newsletter",
                                ),
                                (
                                    "subscriber.unsubscribed",
                                    "a subscriber has unsubscribed from a newsletter",
                                ),
                                ("issue.sent", "an issue has been sent to everyone"),
                                (
                                    "experiment.decided",
                                    "an experiment of an issue has been decided, ended or stopped",
                                ),
                                (
                                    "issue.statistics",
                                    "an issue's numbers, a day and a week after it was sent",
                                ),
                                (
                                    "delivery.bounced",
                                    "an issue was refused permanently, or came back",
                                ),
                                ("delivery.complained", "a subscriber has marked an issue as spam"),
                                ("series.entered", "a subscriber has entered a series of mails"),
                                (
                                    "series.ended",
                                    "a subscriber has left a series, or had its last step",
                                ),
                                (
                                    "deliverability.dropped",
                                    "a mailbox provider takes an issue far worse than before",
                                ),
                                ("issue.waiting", "an issue waits for approval"),
                                ("issue.skipped", "an issue was skipped"),
                                (
                                    "issue.failed",
                                    "an issue is paused because something is wrong with it",
                                ),
                                (
                                    "domain.paused",
                                    "a mailbox provider refuses our mail, and is paused",
                                ),
                                ("source.disabled", "a source was switched off"),
                            ],
                            max_length=32,
                        ),
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
                (
                    "publication",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("events", []), _negated=True), name="webhook_has_event"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
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
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("subscriber.subscribed", "a subscriber has confirmed a newsletter"),
                            (
                                "subscriber.unsubscribed",
                                "a subscriber has unsubscribed from a newsletter",
                            ),
                            ("issue.sent", "an issue has been sent to everyone"),
                            (
                                "experiment.decided",
                                "an experiment of an issue has been decided, ended or stopped",
                            ),
                            (
                                "issue.statistics",
                                "an issue's numbers, a day and a week after it was sent",
                            ),
                            ("delivery.bounced", "an issue was refused permanently, or came back"),
                            ("delivery.complained", "a subscriber has marked an issue as spam"),
                            ("series.entered", "a subscriber has entered a series of mails"),
                            (
                                "series.ended",
                                "a subscriber has left a series, or had its last step",
                            ),
                            (
                                "deliverability.dropped",
                                "a mailbox provider takes an issue far worse than before",
                            ),
                            ("issue.waiting", "an issue waits for approval"),
                            ("issue.skipped", "an issue was skipped"),
                            (
                                "issue.failed",
                                "an issue is paused because something is wrong with it",
                            ),
                            ("domain.paused", "a mailbox provider refuses our mail, and is paused"),
                            ("source.disabled", "a source was switched off"),
                        ],
                        max_length=32,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("delivery_id", models.BigIntegerField(null=True)),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[(0, "waiting"), (1, "claimed"), (2, "delivered"), (3, "given up")],
                        default=0,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                ("reply", models.TextField(blank=True)),
                (
                    "enrolment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="series.enrolment",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="issues.issue",
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="newsletters.publication",
                    ),
                ),
                ("details", models.JSONField(null=True)),
                (
                    "newsletter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="newsletters.newsletter",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="subscribers.subscriber",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="webhooks.webhook",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", 0)),
                        fields=["webhook", "due_at", "id"],
                        name="webhook_delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", 1)),
                        fields=["lease_until"],
                        name="webhook_delivery_leased",
                    ),
                    models.Index(
                        condition=models.Q(("settled_at__isnull", False)),
                        fields=["settled_at"],
                        name="webhook_delivery_settled",
                    ),
                ],
            },
        ),
        run_sql_file("webhooks", "events"),
        run_sql_file("webhooks", "returns"),
    ]
