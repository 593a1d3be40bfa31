import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("articles", "0001_initial"),
        ("newsletters", "0001_initial"),
        ("pictures", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Issue",
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
                ("slot", models.DateTimeField()),
                (
                    "cadence",
                    models.CharField(
                        choices=[
                            ("every", "every issue"),
                            ("daily", "once a day"),
                            ("weekly", "once a week"),
                        ],
                        default="every",
                        max_length=8,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("manual", "Manual"),
                            ("template", "Template"),
                            ("series", "Series"),
                        ],
                        default="scheduled",
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("built", "scheduled"),
                            ("sending", "sending"),
                            ("paused", "paused"),
                            ("sent", "sent"),
                            ("skipped", "skipped"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("subject", models.TextField(blank=True)),
                ("preheader", models.TextField(blank=True)),
                ("own_subject", models.CharField(blank=True, max_length=250)),
                ("own_preheader", models.CharField(blank=True, max_length=250)),
                (
                    "archive_access",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("public", "Everyone"),
                            ("subscribers", "Subscribers only"),
                            ("password", "With a password"),
                        ],
                        db_default="",
                        default="",
                        max_length=16,
                    ),
                ),
                (
                    "only_topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1)),
                ("content_revision", models.PositiveIntegerField(default=1)),
                ("history_position", models.PositiveIntegerField(default=0)),
                (
                    "contributors",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("partly_approved_hash", models.CharField(blank=True, max_length=64)),
                ("approved_at", models.DateTimeField(null=True)),
                ("approved_hash", models.CharField(blank=True, max_length=64)),
                ("send_at", models.DateTimeField(null=True)),
                ("on_hold", models.BooleanField(default=False)),
                ("review_until", models.DateTimeField(null=True)),
                ("start_key", models.CharField(max_length=64, null=True, unique=True)),
                ("left_out", models.JSONField(default=list)),
                ("built_at", models.DateTimeField()),
                ("planned_at", models.DateTimeField(null=True)),
                ("planned_through", models.BigIntegerField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("stands_open", models.BooleanField(default=False)),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issues",
                        to="newsletters.newsletter",
                    ),
                ),
                (
                    "partly_approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="issues",
                        to="newsletters.segment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["draft", "built", "sending", "paused"])),
                        fields=["state"],
                        name="issue_open",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("newsletter", "slot", "cadence"), name="issue_once_a_slot"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "skipped"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="issue_skip_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Block",
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
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("note", "Editor's note"),
                            ("lead", "Lead story"),
                            ("latest", "Latest stories"),
                            ("topic", "Stories by topic"),
                            ("popular", "Popular articles"),
                            ("deep", "Deeply read"),
                            ("picked", "Picked stories"),
                            ("appeal", "Appeal"),
                            ("sponsor", "Sponsor"),
                            ("text", "Text"),
                            ("image", "Image"),
                            ("link", "Link card"),
                            ("divider", "Divider"),
                            ("feedback", "Feedback question"),
                            ("media", "Podcast or video"),
                        ],
                        max_length=16,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("title", models.CharField(blank=True, max_length=200)),
                ("content", models.JSONField(blank=True, default=dict)),
                (
                    "style",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "As in the design"),
                            ("brief", "Brief list without pictures"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                (
                    "shown_in",
                    models.CharField(
                        choices=[
                            ("both", "Email and web"),
                            ("mail", "Email only"),
                            ("web", "Web only"),
                        ],
                        default="both",
                        max_length=8,
                    ),
                ),
                (
                    "only_topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("hidden", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="articles.article",
                    ),
                ),
                (
                    "appeal",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="blocks",
                        to="newsletters.appeal",
                    ),
                ),
                (
                    "layout_block",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="newsletters.layoutblock",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="issues.issue",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="%(class)ss",
                        to="newsletters.segment",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("issue", "position"),
                        name="block_position",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IssueRevision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("summary", models.CharField(max_length=300)),
                ("change_key", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                ("content", models.JSONField()),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="history",
                        to="issues.issue",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("issue", "position"), name="issue_revision_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Story",
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
                ("revision", models.PositiveIntegerField()),
                ("position", models.PositiveSmallIntegerField()),
                ("version", models.PositiveIntegerField(default=1)),
                ("left_out", models.BooleanField(default=False)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("reason", models.TextField()),
                ("url", models.CharField(blank=True, max_length=2000)),
                ("title", models.TextField()),
                ("summary", models.TextField(blank=True)),
                ("byline", models.TextField(blank=True)),
                ("kicker", models.CharField(blank=True, max_length=200)),
                ("published_at", models.DateTimeField(null=True)),
                ("word_count", models.PositiveIntegerField(default=0)),
                ("image_url", models.CharField(blank=True, max_length=2000)),
                ("image_alt", models.TextField(blank=True)),
                ("image_caption", models.TextField(blank=True)),
                ("image_credit", models.TextField(blank=True)),
                ("pinned", models.BooleanField(default=False)),
                ("edited", models.BooleanField(default=False)),
                ("retracted_at", models.DateTimeField(null=True)),
                ("retraction", models.CharField(blank=True, max_length=300)),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="articles.article",
                    ),
                ),
                (
                    "block",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stories",
                        to="issues.block",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stories",
                        to="issues.issue",
                    ),
                ),
                (
                    "picture",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="stories",
                        to="pictures.picture",
                    ),
                ),
                (
                    "selected_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="newsletters.layoutblock",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("issue", "position"),
                        name="story_position",
                    ),
                    models.UniqueConstraint(
                        fields=("issue", "article"), name="story_once_an_issue"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Experiment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("subjects", "subjects"), ("leads", "lead stories")],
                        default="subjects",
                        max_length=8,
                    ),
                ),
                (
                    "subjects",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=250),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "leads",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("share", models.PositiveSmallIntegerField()),
                ("minutes", models.PositiveIntegerField()),
                ("decides_at", models.DateTimeField(null=True)),
                ("paused_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("winner", models.PositiveSmallIntegerField(null=True)),
                (
                    "finding",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not known yet"),
                            ("winner", "winner"),
                            ("no_difference", "no difference"),
                            ("chosen", "chosen by a person"),
                            ("stopped", "stopped"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("results", models.JSONField(default=list)),
                (
                    "issue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="experiment",
                        to="issues.issue",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("decided_at__isnull", True)),
                        fields=["decides_at"],
                        name="experiment_undecided",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("share__gte", 1), ("share__lte", 100)),
                        name="experiment_share",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "subjects"), ("leads", [])),
                            models.Q(("kind", "leads"), ("subjects", [])),
                            _connector="OR",
                        ),
                        name="experiment_tries_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_at__isnull", True), ("winner__isnull", False), _connector="OR"
                        ),
                        name="experiment_decided_has_winner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedLink",
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
                ("article_id", models.BigIntegerField(null=True)),
                ("appeal_id", models.BigIntegerField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("link", "link"),
                            ("answer", "answer to a feedback question"),
                            ("trap", "hidden link"),
                        ],
                        default="link",
                        max_length=8,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("url", models.TextField()),
                ("label", models.CharField(blank=True, max_length=300)),
                ("in_mail", models.BooleanField(default=True)),
                (
                    "block",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="links",
                        to="issues.block",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="issues.issue",
                    ),
                ),
                (
                    "story",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="links",
                        to="issues.story",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("issue"),
                        django.db.models.functions.comparison.Coalesce("block", 0),
                        django.db.models.functions.comparison.Coalesce("story", 0),
                        models.F("kind"),
                        django.db.models.functions.text.MD5("url"),
                        name="tracked_link_once",
                    ),
                ],
            },
        ),
    ]
