from django.db import migrations, models

from digest.core.sql import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0001_initial"),
    ]

    operations = [
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
        ),
        migrations.AddField(
            model_name="consentevent",
            name="issue_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="growth",
            name="source",
            field=models.CharField(blank=True, db_default="", max_length=32),
        ),
        migrations.AddIndex(
            model_name="growth",
            index=models.Index(
                fields=["newsletter_id", "day"],
                include=("source", "joined", "left"),
                name="growth_of_newsletter",
            ),
        ),
        migrations.AddIndex(
            model_name="cohort",
            index=models.Index(fields=["newsletter_id", "joined"], name="cohort_of_newsletter"),
        ),
        run_sql_file("subscribers", "growth_by_source"),
    ]
