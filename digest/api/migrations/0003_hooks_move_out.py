from importlib import import_module

from django.db import migrations

words = import_module("digest.api.migrations.0002_words_by_trigger")

# Hooks live in a package of their own now; what is in their tables moves along.
RENAME = """
ALTER TABLE api_webhook RENAME TO hooks_webhook;
ALTER TABLE api_word RENAME TO hooks_word;
"""
RENAME_BACK = """
ALTER TABLE hooks_webhook RENAME TO api_webhook;
ALTER TABLE hooks_word RENAME TO api_word;
"""


class Migration(migrations.Migration):
    dependencies = [("api", "0002_words_by_trigger")]

    operations = [
        migrations.RunSQL(words.NO_TRIGGERS, words.TRIGGERS),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(RENAME, RENAME_BACK)],
            state_operations=[
                migrations.DeleteModel("Word"),
                migrations.DeleteModel("WebHook"),
            ],
        ),
    ]
