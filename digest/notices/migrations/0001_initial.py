import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("newsletters", "0001_initial"),
        ("subscribers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("confirm", "asks to confirm a subscription"),
                            ("welcome", "welcomes a new subscriber"),
                            ("link", "sends the link to the preferences"),
                            ("change", "asks the new address to confirm it"),
                            ("changed", "informs the old address of the new one"),
                            ("left", "acknowledges an unsubscription by mail"),
                            ("help", "explains the addresses that accept mail"),
                            ("stay", "asks an inactive subscriber whether to go on"),
                            ("paused", "warns an editor of a domain that refuses mail"),
                            (
                                "drop",
                                "warns an editor of a mailbox provider that takes mail worse than before",
                            ),
                            ("event", "tells an editor what happened to an issue or a source"),
                            ("account", "is about an account of the console"),
                            ("copy", "sends an issue again"),
                            ("read", "sends a link to past issues"),
                        ],
                        max_length=8,
                    ),
                ),
                ("email", models.CharField(max_length=320)),
                ("mailbox", models.CharField(max_length=320)),
                ("answers_mail", models.BooleanField(default=False)),
                ("language", models.CharField(blank=True, max_length=35)),
                ("context", models.JSONField(default=dict)),
                (
                    "precedence",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "first"), (1, "usual"), (2, "in bulk")], default=1
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="newsletters.publication",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", (0, 2))),
                        fields=["precedence", "due_at", "id"],
                        name="notice_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", 1)),
                        fields=["lease_until"],
                        name="notice_leased",
                    ),
                    models.Index(fields=["mailbox", "created_at"], name="notice_to_mailbox"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", 1), _negated=True),
                            ("lease_until__isnull", False),
                            _connector="OR",
                        ),
                        name="notice_claimed_has_lease",
                    )
                ],
            },
        ),
    ]
