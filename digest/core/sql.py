"""SQL that migrations run, kept in readable files beside the models: triggers, views, sequences.

A file `digest/<package>/sql/<name>.sql` has two parts, `-- up` and `-- down`.
"""

from pathlib import Path

from django.db import migrations

_PACKAGES = Path(__file__).parent.parent


def run_sql_file(package: str, name: str) -> migrations.RunSQL:
    """Return the operation that runs a file's `-- up` part forward and its `-- down` part back.

    Raises FileNotFoundError without the file, ValueError where it lacks one of the two parts.
    """
    text = (_PACKAGES / package / "sql" / f"{name}.sql").read_text()
    _, up, down = text.replace("\n-- down\n", "\n-- up\n").split("-- up\n")
    return migrations.RunSQL(up, down)
