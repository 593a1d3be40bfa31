from django.db import migrations

from digest.core.sql import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [run_sql_file("accounts", "audit_truncate")]
