"""TRUNCATE is refused by append-only tables, but tests end with one (Django's flush).

So the triggers that refuse it are switched off in the database of the tests, and only there.
"""

from django.db import connection

TRIGGERS = {
    "accounts_auditentry": "audit_no_truncate",
    "subscribers_consentevent": "consent_event_no_truncate",
    "sending_pastdelivery": "past_delivery_no_truncate",
    "sending_sentdelivery": "sent_delivery_no_truncate",
}


def allow_truncate() -> None:
    """Switch the triggers off, as a migration has just created them switched on."""
    with connection.cursor() as cursor:
        for table, trigger in TRIGGERS.items():
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER "{trigger}"')


def refuse_truncate(table: str) -> None:
    """Switch a table's trigger on again, for the transaction of one test."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER "{TRIGGERS[table]}"')
