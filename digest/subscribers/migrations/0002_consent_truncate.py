from django.db import migrations

from digest.core.sql import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0001_initial")]

    operations = [run_sql_file("subscribers", "consent_truncate")]
