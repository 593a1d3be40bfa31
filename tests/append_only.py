"""TRUNCATE is refused by append-only tables, but tests end with one (Django's flush).

So the triggers that refuse it are switched off in the database of the tests, and only there.
"""

from django.db import connection

TABLES = (
    "accounts_auditentry",
    "subscribers_consentevent",
    "sending_pastdelivery",
    "sending_sentdelivery",
)


def allow_truncate() -> None:
    """Switch the triggers off, as a migration has just created them switched on."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER "{table}_no_truncate"')


def refuse_truncate(table: str) -> None:
    """Switch a table's trigger on again, for the transaction of one test."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER "{table}_no_truncate"')
