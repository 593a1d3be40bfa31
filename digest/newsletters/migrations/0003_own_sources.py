"""A newsletter uses sources of its own publication only."""

from django.db import migrations

from digest.core.sql import run_sql_file


class Migration(migrations.Migration):
    """Add the trigger."""

    dependencies = [
        ("newsletters", "0002_random_values"),
        ("articles", "0002_publications_apart"),
    ]

    operations = [run_sql_file("newsletters", "own_sources")]
