"""Whether a pooler, such as PgBouncer, stands between this process and PostgreSQL.

In its transaction mode each transaction may run in another session of the server, so what belongs
to a session is lost: locks that outlive a transaction, cursors, settings.
"""

from django.db import connection

from digest.core.database.statements import fetch_row


def is_between() -> bool:
    """Say whether the session that answers is another one than that which was greeted."""
    answering: int = fetch_row("SELECT pg_backend_pid()")[0]
    greeted: int = connection.connection.info.backend_pid
    return answering != greeted
