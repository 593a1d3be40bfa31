from django.db import migrations

from digest.core.sql import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0001_initial"),
        ("analytics", "0002_link_totals_and_outcomes"),
    ]

    operations = [run_sql_file("bounces", "outcomes")]
