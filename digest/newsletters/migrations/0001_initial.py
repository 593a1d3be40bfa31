import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from digest.core.database.sql import run_sql_file


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("articles", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Publication",
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
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200)),
                ("tagline", models.CharField(blank=True, max_length=300)),
                ("url", models.URLField(max_length=2000)),
                ("logo_url", models.URLField(blank=True, max_length=2000)),
                ("logo_dark_url", models.URLField(blank=True, max_length=2000)),
                ("logo_width", models.PositiveSmallIntegerField(default=240)),
                (
                    "accent",
                    models.CharField(
                        default="#1d4e89",
                        max_length=7,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^#[0-9a-fA-F]{6}$", "A colour like #1d4e89."
                            )
                        ],
                    ),
                ),
                (
                    "accent_dark",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=7,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^#[0-9a-fA-F]{6}$", "A colour like #1d4e89."
                            )
                        ],
                    ),
                ),
                ("host_pictures", models.BooleanField(default=True)),
                (
                    "background",
                    models.CharField(
                        choices=[
                            ("warm", "Warm paper"),
                            ("white", "White"),
                            ("cool", "Cool grey"),
                            ("tinted", "Tinted with the colour"),
                        ],
                        default="warm",
                        max_length=16,
                    ),
                ),
                (
                    "fonts",
                    models.CharField(
                        choices=[
                            ("classic", "Georgia and the system's font"),
                            ("modern", "The system's font"),
                            ("book", "Palatino and the system's font"),
                            ("clear", "Verdana"),
                            ("plain", "Arial"),
                        ],
                        default="classic",
                        max_length=16,
                    ),
                ),
                (
                    "corner",
                    models.CharField(
                        choices=[("soft", "Soft"), ("square", "Square"), ("round", "Round")],
                        default="soft",
                        max_length=16,
                    ),
                ),
                (
                    "density",
                    models.CharField(
                        choices=[("comfortable", "Comfortable"), ("compact", "Compact")],
                        default="comfortable",
                        max_length=16,
                    ),
                ),
                ("postal_address", models.TextField()),
                ("sender_name", models.CharField(max_length=200)),
                ("sender_email", models.EmailField(max_length=254)),
                ("reply_to", models.EmailField(blank=True, max_length=254)),
                ("language", models.CharField(default="en", max_length=35)),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                (
                    "tracking",
                    models.CharField(
                        choices=[
                            ("none", "Nothing"),
                            ("aggregate", "Clicks, without knowing whose"),
                            ("individual", "Clicks of each subscriber"),
                        ],
                        default="aggregate",
                        max_length=16,
                    ),
                ),
                ("track_opens", models.BooleanField(default=False)),
                (
                    "popularity_half_life",
                    models.PositiveSmallIntegerField(
                        default=48,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("rules", models.JSONField()),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="segments",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("publication", "name"), name="segment_name_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Attribute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        max_length=50,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*\\Z",
                                "Begin with a lowercase letter; then letters, digits, underscores.",
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("boolean", "Yes or no"),
                            ("choice", "Choice"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "choices",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "access",
                    models.CharField(
                        choices=[
                            ("none", "Nothing: it is not shown to them"),
                            ("see", "See it"),
                            ("change", "See and change it"),
                            ("sign-up", "See and change it, and enter it when they sign up"),
                        ],
                        default="none",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attributes",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "ordering": ["label", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("publication", "key"), name="attribute_key_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind", "choice"), ("choices", []), _connector="XOR"),
                        name="attribute_choice_has_choices",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Newsletter",
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
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("list_id", models.CharField(max_length=255, unique=True)),
                ("language", models.CharField(blank=True, max_length=35)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("private", "Private"),
                            ("announced", "Announced"),
                            ("live", "Live"),
                            ("paused", "Paused"),
                            ("closed", "Closed"),
                        ],
                        default="live",
                        max_length=16,
                    ),
                ),
                ("membership_url", models.URLField(blank=True, max_length=2000)),
                (
                    "archive_access",
                    models.CharField(
                        choices=[
                            ("public", "Everyone"),
                            ("subscribers", "Subscribers only"),
                            ("password", "With a password"),
                        ],
                        default="public",
                        max_length=16,
                    ),
                ),
                ("archive_password", models.CharField(blank=True, max_length=256)),
                ("created_at", models.DateTimeField()),
                (
                    "cadences",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("every", "every issue"),
                                ("daily", "once a day"),
                                ("weekly", "once a week"),
                            ],
                            max_length=8,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("welcome_with_latest", models.BooleanField(default=False)),
                ("send_in_local_time", models.BooleanField(default=False)),
                ("redirect_links", models.BooleanField(default=False)),
                (
                    "design",
                    models.CharField(
                        choices=[
                            ("picture", "Picture lead"),
                            ("briefing", "Briefing"),
                            ("compact", "Digest"),
                        ],
                        default="picture",
                        max_length=16,
                    ),
                ),
                ("share_links", models.BooleanField(default=True)),
                ("reading_time", models.BooleanField(default=False)),
                ("contents_from", models.PositiveSmallIntegerField(default=8)),
                (
                    "topic_links",
                    models.CharField(
                        choices=[
                            ("none", "Nowhere"),
                            ("stories", "Under each story of a topic"),
                            ("end", "At the end, for each topic of the issue"),
                        ],
                        default="none",
                        max_length=8,
                    ),
                ),
                ("subject", models.TextField(default="{{ stories[0].title }}")),
                (
                    "preheader",
                    models.TextField(
                        blank=True,
                        default="{{ stories[1:] | map(attribute='title') | join(' · ') }}",
                    ),
                ),
                ("min_stories", models.PositiveSmallIntegerField(default=1)),
                ("max_stories", models.PositiveSmallIntegerField(default=10)),
                ("look_back_hours", models.PositiveIntegerField(default=24)),
                (
                    "thin",
                    models.CharField(
                        choices=[
                            ("widen", "Look further back"),
                            ("wait", "Keep the stories for the next issue"),
                            ("skip", "Skip this issue"),
                        ],
                        default="widen",
                        max_length=16,
                    ),
                ),
                ("widen_hours", models.PositiveIntegerField(default=72)),
                (
                    "catch_up",
                    models.CharField(
                        choices=[
                            ("send_late", "Send late, until the deadline"),
                            ("merge", "Put the stories into the next issue"),
                            ("skip", "Skip the issues that were missed"),
                        ],
                        default="send_late",
                        max_length=16,
                    ),
                ),
                ("late_minutes", models.PositiveIntegerField(default=240)),
                (
                    "uncertain",
                    models.CharField(
                        choices=[("resend", "Send again"), ("hold", "Do not send again")],
                        default="resend",
                        max_length=16,
                    ),
                ),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("none", "Send automatically"),
                            ("one", "One person approves"),
                            ("other", "A second person approves"),
                        ],
                        default="one",
                        max_length=8,
                    ),
                ),
                ("review_minutes", models.PositiveIntegerField(default=60)),
                ("undo_seconds", models.PositiveSmallIntegerField(default=30)),
                (
                    "sources",
                    models.ManyToManyField(
                        blank=True, related_name="newsletters", to="articles.source"
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="newsletters",
                        to="newsletters.publication",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="newsletters",
                        to="newsletters.segment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("max_stories__gte", models.F("min_stories"))),
                        name="newsletter_max_at_least_min",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_stories__gte", 1)), name="newsletter_has_room"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("archive_access", "password"), _negated=True),
                            models.Q(("archive_password", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="newsletter_archive_has_password",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignUpForm",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("inline", "In the text"),
                            ("box", "Box"),
                            ("bar", "Bar at the foot of the window"),
                            ("popup", "Pop-up"),
                        ],
                        default="box",
                        max_length=8,
                    ),
                ),
                (
                    "look",
                    models.CharField(
                        choices=[
                            ("tinted", "Light, with the publication's colour as accent"),
                            ("filled", "Filled with the publication's colour"),
                        ],
                        default="tinted",
                        max_length=8,
                    ),
                ),
                ("headline", models.CharField(blank=True, max_length=150)),
                ("text", models.CharField(blank=True, max_length=500)),
                ("button", models.CharField(blank=True, max_length=50)),
                ("thanks", models.CharField(blank=True, max_length=500)),
                ("consent", models.CharField(blank=True, max_length=1000)),
                ("asks_name", models.BooleanField(default=False)),
                ("asks_topics", models.BooleanField(default=False)),
                (
                    "after_seconds",
                    models.PositiveSmallIntegerField(
                        default=20,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(600),
                        ],
                    ),
                ),
                (
                    "after_scroll",
                    models.PositiveSmallIntegerField(
                        default=50,
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "rest_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "attributes",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="newsletters.attribute"
                    ),
                ),
                (
                    "newsletters",
                    models.ManyToManyField(
                        related_name="signup_forms", to="newsletters.newsletter"
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signup_forms",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("publication", "name"), name="signup_form_name_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LayoutBlock",
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
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "source_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("max_stories", models.PositiveSmallIntegerField(default=10)),
                (
                    "newsletter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="layout",
                        to="newsletters.newsletter",
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
                        fields=("newsletter", "position"), name="layout_block_position"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "topic"), _negated=True),
                            models.Q(("topics", []), _negated=True),
                            _connector="OR",
                        ),
                        name="layout_topic_names_topics",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
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
                        choices=[("appeal", "Appeal"), ("sponsor", "Sponsor")],
                        default="appeal",
                        max_length=8,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200)),
                ("label", models.CharField(blank=True, max_length=80)),
                ("heading", models.CharField(blank=True, max_length=200)),
                ("body", models.TextField(blank=True)),
                ("button", models.CharField(blank=True, max_length=80)),
                ("url", models.URLField(max_length=2000)),
                (
                    "style",
                    models.CharField(
                        choices=[
                            ("box", "Box with text and button"),
                            ("link", "Plain link in one line"),
                        ],
                        default="box",
                        max_length=8,
                    ),
                ),
                ("picture", models.UUIDField(blank=True, null=True)),
                ("picture_dark", models.UUIDField(blank=True, null=True)),
                ("picture_alt", models.CharField(blank=True, max_length=300)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("paused", models.BooleanField(default=False)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("priority", models.PositiveSmallIntegerField(default=0)),
                ("weight", models.PositiveSmallIntegerField(default=1)),
                ("turns_since", models.DateTimeField(null=True)),
                ("cap", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("cap_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "newsletters",
                    models.ManyToManyField(
                        blank=True, related_name="appeals", to="newsletters.newsletter"
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="appeals",
                        to="newsletters.publication",
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
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 1)), name="appeal_has_weight"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cap__isnull", True), ("cap__gte", 1), _connector="OR"),
                        name="appeal_cap_allows_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cap_days__isnull", True),
                            models.Q(("cap__isnull", False), ("cap_days__gte", 1)),
                            _connector="OR",
                        ),
                        name="appeal_days_of_a_cap",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="appeal_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Pick",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("picked_at", models.DateTimeField()),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="picks",
                        to="articles.article",
                    ),
                ),
                (
                    "block",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="picks",
                        to="newsletters.layoutblock",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("block", "article"), name="pick_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("editor", "Editor"), ("analyst", "Analyst")],
                        default="editor",
                        max_length=8,
                    ),
                ),
                ("may_send", models.BooleanField(default=True)),
                ("may_export", models.BooleanField(default=False)),
                ("may_erase", models.BooleanField(default=False)),
                (
                    "newsletter_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "publication"), name="member_once", nulls_distinct=False
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
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
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("editor", "Editor"), ("analyst", "Analyst")],
                        default="editor",
                        max_length=8,
                    ),
                ),
                ("may_send", models.BooleanField(default=True)),
                ("may_export", models.BooleanField(default=False)),
                ("may_erase", models.BooleanField(default=False)),
                (
                    "newsletter_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("email", models.EmailField(max_length=254)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ContentChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "appeal",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="newsletters.appeal",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "publication",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="newsletters.publication",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "newsletter", "publication", "appeal"),
                        name="content_change_once",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("time", models.TimeField(null=True)),
                ("cron", models.CharField(blank=True, max_length=200)),
                ("timezone", models.CharField(max_length=64)),
                ("since", models.DateTimeField()),
                (
                    "newsletter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedule",
                        to="newsletters.newsletter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cron", ""), _negated=True),
                            models.Q(
                                ("time__isnull", False), models.Q(("days", []), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="schedule_says_when",
                    ),
                ],
            },
        ),
        run_sql_file("newsletters", "own_sources"),
    ]
