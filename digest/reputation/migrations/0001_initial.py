import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

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
                ("checked_at", models.DateTimeField(db_index=True)),
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
        ),
    ]
