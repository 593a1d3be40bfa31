import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("relays", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="MailDomain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.CharField(max_length=253, unique=True)),
                ("exchanger", models.CharField(blank=True, max_length=253)),
                ("provider", models.CharField(blank=True, max_length=32)),
                ("checked_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="SendingHost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ip", models.GenericIPAddressField(unique=True)),
                ("name", models.CharField(blank=True, max_length=253)),
                ("is_ours", models.BooleanField(default=False)),
                ("checked_at", models.DateTimeField(db_index=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ServiceConnection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=16, unique=True)),
                ("address", models.CharField(max_length=2000)),
                ("sealed_secret", models.TextField()),
                ("due_at", models.DateTimeField()),
                ("collected_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
                (
                    "unmet",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DmarcReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("organization", models.CharField(max_length=255)),
                ("report_id", models.CharField(max_length=255)),
                ("domain", models.CharField(max_length=255)),
                ("policy", models.CharField(blank=True, max_length=16)),
                ("begin", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("left_out", models.PositiveBigIntegerField(default=0)),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["domain", "end"], name="dmarc_report_by_time"),
                    models.Index(fields=["received_at"], name="dmarc_report_received"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("domain", "organization", "report_id"), name="dmarc_report_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DmarcRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ip", models.GenericIPAddressField()),
                ("mails", models.PositiveBigIntegerField()),
                ("disposition", models.CharField(blank=True, max_length=16)),
                ("dkim", models.BooleanField()),
                ("spf", models.BooleanField()),
                ("header_from", models.CharField(blank=True, max_length=255)),
                ("dkim_domain", models.CharField(blank=True, max_length=255)),
                ("spf_domain", models.CharField(blank=True, max_length=255)),
                ("override", models.CharField(blank=True, max_length=32)),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="reputation.dmarcreport",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["ip"], name="dmarc_row_by_address")],
            },
        ),
        migrations.CreateModel(
            name="ServiceReading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=16)),
                ("subject", models.CharField(max_length=255)),
                ("day", models.DateField()),
                ("mails", models.PositiveBigIntegerField(null=True)),
                ("spam_share", models.FloatField(null=True)),
                ("dkim_share", models.FloatField(null=True)),
                ("dmarc_share", models.FloatField(null=True)),
                ("error_share", models.FloatField(null=True)),
                ("color", models.CharField(blank=True, max_length=8)),
                ("trap_hits", models.PositiveIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "subject", "day"), name="service_reading_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RelayDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("messages", models.PositiveBigIntegerField()),
                (
                    "relay",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="relays.relay",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("relay", "day"), name="relay_day_once")
                ],
            },
        ),
    ]
