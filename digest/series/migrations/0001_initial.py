import django.contrib.postgres.functions
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
from django.db import migrations, models

from digest.core.database.sql import run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("issues", "0001_initial"),
        ("newsletters", "0001_initial"),
        ("subscribers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Series",
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
                ("name", models.CharField(max_length=100)),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("sign_up", "Somebody confirms their subscription"),
                            ("inactive", "A subscriber becomes inactive"),
                        ],
                        default="sign_up",
                        max_length=8,
                    ),
                ),
                ("active", models.BooleanField(default=False)),
                ("includes_imported", models.BooleanField(default=False)),
                (
                    "goal",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "None: everybody gets every step"),
                            ("clicked", "They click a link in a mail of the series"),
                            ("segment", "They belong to a segment"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("hour_from", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("hour_until", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("avoids_issues", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("switched_at", models.DateTimeField(null=True)),
                (
                    "goal_segment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="series_goals",
                        to="newsletters.segment",
                    ),
                ),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="series",
                        to="newsletters.newsletter",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "series",
                "ordering": ["name", "pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("active", True)),
                        fields=["newsletter"],
                        name="series_active",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("newsletter", "name"), name="series_name_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("hour_from", None), ("hour_until", None)),
                            models.Q(
                                ("hour_from__lt", models.F("hour_until")), ("hour_until__lte", 24)
                            ),
                            _connector="OR",
                        ),
                        name="series_hours",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("goal", "segment"), ("goal_segment", None), _connector="XOR"
                        ),
                        name="series_goal_has_segment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "delay_minutes",
                    models.PositiveIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(525600)]
                    ),
                ),
                (
                    "condition",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Everybody"),
                            ("clicked", "Who clicked in an earlier mail of the series"),
                            ("not_clicked", "Who did not click in an earlier mail of the series"),
                            ("tag", "Who has a tag"),
                            ("not_tag", "Who does not have a tag"),
                            ("segment", "Who belongs to a segment"),
                            ("not_segment", "Who does not belong to a segment"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("tag", models.CharField(blank=True, max_length=60)),
                (
                    "otherwise",
                    models.CharField(
                        choices=[
                            ("skip", "go on with the next step"),
                            ("stop", "leave the series"),
                        ],
                        default="skip",
                        max_length=4,
                    ),
                ),
                (
                    "stories",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "None but those in its text"),
                            ("latest", "Those of the latest issue"),
                            ("chosen", "Those of one issue"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("version_revision", models.PositiveIntegerField(default=0)),
                (
                    "draft",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="step",
                        to="issues.issue",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="series_steps",
                        to="newsletters.segment",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="series.series",
                    ),
                ),
                (
                    "shown_issue",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="issues.issue",
                    ),
                ),
                (
                    "version",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="current_step",
                        to="issues.issue",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("series", "position"),
                        name="step_position",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("condition__in", ["tag", "not_tag"]), ("tag", ""), _connector="XOR"
                        ),
                        name="step_has_tag",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("condition__in", ["segment", "not_segment"]),
                            ("segment", None),
                            _connector="XOR",
                        ),
                        name="step_has_segment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Passage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("sent", "planned"),
                            ("skipped", "left out, its condition did not hold"),
                            (
                                "set_aside",
                                "left out, it may have been sent before older data were restored",
                            ),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "issue",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="issues.issue",
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
                (
                    "step",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="passages",
                        to="series.step",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("step", "subscriber"), name="passage_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Enrolment",
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
                            ("active", "in the series"),
                            ("completed", "had every step"),
                            ("converted", "reached the goal"),
                            ("stopped", "left at a step whose condition did not hold"),
                            ("left", "unsubscribed, or may not be mailed"),
                            ("removed", "removed by the team"),
                        ],
                        default="active",
                        max_length=9,
                    ),
                ),
                ("entered_at", models.DateTimeField()),
                ("since", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrolments",
                        to="subscribers.subscriber",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrolments",
                        to="series.series",
                    ),
                ),
                (
                    "next_step",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="series.step",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "active")),
                        fields=["next_step", "due_at"],
                        name="enrolment_due",
                    ),
                    models.Index(fields=["series", "state"], name="enrolment_by_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("series", "subscriber"), name="enrolment_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("due_at__isnull", False),
                                ("next_step__isnull", False),
                                ("state", "active"),
                            ),
                            models.Q(
                                models.Q(("state", "active"), _negated=True),
                                ("due_at", None),
                                ("ended_at__isnull", False),
                                ("next_step", None),
                            ),
                            _connector="OR",
                        ),
                        name="enrolment_is_active_or_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("made_at", models.DateTimeField()),
                (
                    "issue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="version_of",
                        to="issues.issue",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="series.step",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        run_sql_file("series", "enrolments"),
        run_sql_file("series", "pauses"),
    ]
