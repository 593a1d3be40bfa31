import digest.bounces.reading.reasons
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from digest.core.database.sql import run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("analytics", "0001_initial"),
        ("sending", "0001_initial"),
        ("issues", "0001_initial"),
        ("newsletters", "0001_initial"),
        ("relays", "0001_initial"),
        ("subscribers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mailbox",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                ("name", models.SlugField(max_length=64, unique=True)),
                ("sealed_url", models.TextField()),
                ("active", models.BooleanField(default=True)),
                ("due_at", models.DateTimeField()),
                ("polled_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("issue_id", models.BigIntegerField()),
                ("code", models.PositiveSmallIntegerField()),
                ("reply", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ProviderHistory",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField()),
                (
                    "relay",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="history",
                        to="relays.relay",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sunset",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("active", models.BooleanField(default=False)),
                (
                    "issues",
                    models.PositiveSmallIntegerField(
                        default=20,
                        validators=[
                            django.core.validators.MinValueValidator(3),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                    ),
                ),
                (
                    "months",
                    models.PositiveSmallIntegerField(
                        default=3,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(36),
                        ],
                    ),
                ),
                (
                    "newsletter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sunset",
                        to="newsletters.newsletter",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Bounce",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_complaint", models.BooleanField(default=False)),
                (
                    "consequence",
                    models.CharField(
                        choices=[
                            (digest.bounces.reading.reasons.Consequence["HARD"], "hard"),
                            (digest.bounces.reading.reasons.Consequence["SOFT"], "soft"),
                            (digest.bounces.reading.reasons.Consequence["SENDER"], "sender"),
                            (digest.bounces.reading.reasons.Consequence["COMPLAINT"], "complaint"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            (
                                digest.bounces.reading.reasons.Reason["AUTHENTICATION"],
                                "authfailure",
                            ),
                            (digest.bounces.reading.reasons.Reason["REPUTATION"], "badreputation"),
                            (digest.bounces.reading.reasons.Reason["BLOCKED"], "blocked"),
                            (digest.bounces.reading.reasons.Reason["CONTENT"], "contenterror"),
                            (digest.bounces.reading.reasons.Reason["TOO_LARGE"], "emailtoolarge"),
                            (digest.bounces.reading.reasons.Reason["EXPIRED"], "expired"),
                            (digest.bounces.reading.reasons.Reason["FEEDBACK"], "feedback"),
                            (digest.bounces.reading.reasons.Reason["FILTERED"], "filtered"),
                            (digest.bounces.reading.reasons.Reason["MOVED"], "hasmoved"),
                            (digest.bounces.reading.reasons.Reason["HOST_UNKNOWN"], "hostunknown"),
                            (digest.bounces.reading.reasons.Reason["MAILBOX_FULL"], "mailboxfull"),
                            (digest.bounces.reading.reasons.Reason["MAILER"], "mailererror"),
                            (digest.bounces.reading.reasons.Reason["NETWORK"], "networkerror"),
                            (digest.bounces.reading.reasons.Reason["NO_RELAYING"], "norelaying"),
                            (digest.bounces.reading.reasons.Reason["NOT_ACCEPTED"], "notaccept"),
                            (
                                digest.bounces.reading.reasons.Reason["NOT_COMPLIANT"],
                                "notcompliantrfc",
                            ),
                            (digest.bounces.reading.reasons.Reason["POLICY"], "policyviolation"),
                            (digest.bounces.reading.reasons.Reason["REJECTED"], "rejected"),
                            (digest.bounces.reading.reasons.Reason["NO_PTR"], "requireptr"),
                            (digest.bounces.reading.reasons.Reason["SECURITY"], "securityerror"),
                            (digest.bounces.reading.reasons.Reason["SPAM"], "spamdetected"),
                            (digest.bounces.reading.reasons.Reason["SPEEDING"], "speeding"),
                            (digest.bounces.reading.reasons.Reason["SUSPENDED"], "suspend"),
                            (digest.bounces.reading.reasons.Reason["SYNTAX"], "syntaxerror"),
                            (digest.bounces.reading.reasons.Reason["SYSTEM"], "systemerror"),
                            (digest.bounces.reading.reasons.Reason["SYSTEM_FULL"], "systemfull"),
                            (digest.bounces.reading.reasons.Reason["TOO_MANY"], "toomanyconn"),
                            (digest.bounces.reading.reasons.Reason["UNDEFINED"], "undefined"),
                            (digest.bounces.reading.reasons.Reason["USER_UNKNOWN"], "userunknown"),
                            (digest.bounces.reading.reasons.Reason["VIRUS"], "virusdetected"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("smtp", "refused while sending"),
                            ("report", "reported by mail"),
                            ("provider", "reported by the provider"),
                        ],
                        max_length=16,
                    ),
                ),
                ("domain", models.CharField(max_length=253)),
                ("recipient", models.CharField(blank=True, max_length=320)),
                ("status", models.CharField(blank=True, max_length=16)),
                ("code", models.PositiveSmallIntegerField(null=True)),
                ("text", models.TextField(blank=True)),
                ("reporter", models.CharField(blank=True, max_length=253)),
                ("suppressed", models.BooleanField(default=False)),
                ("at", models.DateTimeField()),
                (
                    "issue",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bounces",
                        to="issues.issue",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bounces",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["domain", "at"], name="bounce_by_domain"),
                    models.Index(fields=["issue", "domain"], name="bounce_of_issue"),
                    models.Index(fields=["at"], name="bounce_by_time"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "issue", "is_complaint"),
                        name="bounce_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DomainResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("sent", models.PositiveIntegerField()),
                ("deferred", models.PositiveIntegerField()),
                ("waiting", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField()),
                ("bounced", models.PositiveIntegerField(default=0)),
                ("complaints", models.PositiveIntegerField(default=0)),
                ("clickers", models.PositiveIntegerField(null=True)),
                ("counted_at", models.DateTimeField()),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domain_results",
                        to="issues.issue",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("issue", "domain"), name="domain_result_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Drop",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("destination", models.CharField(max_length=253)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("delivery", "refused or deferred"),
                            ("complaints", "complained about"),
                            ("clicks", "clicked less"),
                        ],
                        max_length=16,
                    ),
                ),
                ("mails", models.PositiveIntegerField()),
                ("share", models.FloatField()),
                ("usual_share", models.FloatField()),
                ("noticed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drops",
                        to="issues.issue",
                    ),
                ),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drops",
                        to="newsletters.newsletter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("newsletter", "destination", "kind"),
                        name="drop_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MailboxMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=200)),
                ("message_id", models.CharField(blank=True, max_length=250)),
                ("outcome", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                (
                    "mailbox",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="bounces.mailbox",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["mailbox", "-at"], name="mailbox_message_by_time")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("mailbox", "key"), name="mailbox_message_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SunsetQuestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("open", "not answered yet"),
                            ("stayed", "stayed"),
                            ("paused", "paused"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sunset_questions",
                        to="subscribers.subscription",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "open")),
                        fields=["asked_at"],
                        name="sunset_question_open",
                    )
                ],
            },
        ),
        run_sql_file("bounces", "refusals"),
        run_sql_file("bounces", "outcomes"),
    ]
