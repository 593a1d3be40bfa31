"""The audit log and other evidence can only grow."""

import pytest
from django.db import DatabaseError, connection, transaction

from digest.accounts import audit
from digest.accounts.models import AuditEntry, User
from tests import append_only
from tests.cast import NOON

pytestmark = pytest.mark.django_db


def refused(statement: str) -> None:
    """Run a statement that the database has to refuse."""
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("table", append_only.TABLES)
def test_evidence_cannot_be_truncated(table: str) -> None:
    """Neither alone nor with the tables that it refers to."""
    append_only.refuse_truncate(table)
    refused(f"TRUNCATE {table} CASCADE")
    if table != "sending_sentdelivery":  # without foreign keys nothing cascades to it
        refused("TRUNCATE accounts_user, newsletters_publication, subscribers_subscriber CASCADE")


def test_every_table_that_refuses_updates_refuses_truncate() -> None:
    """A new append-only table is not forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE tgname LIKE '%append_only'"
        )
        tables = {row[0] for row in cursor.fetchall()}
    assert tables <= set(append_only.TABLES)
    assert len(tables) >= 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET action = 'nothing'",
        "UPDATE accounts_auditentry SET user_id = NULL, action = 'nothing'",
        "UPDATE accounts_auditentry SET user_id = NULL, ip = NULL",
        "UPDATE accounts_auditentry SET user_id = NULL, url = ''",
        "UPDATE accounts_auditentry SET user_id = NULL, publication_id = 7",
        "DELETE FROM accounts_auditentry",
    ],
)
def test_entries_cannot_be_changed(statement: str) -> None:
    """Not even while the reference to an account goes."""
    user = User.objects.create_user("ada@courier.example")
    audit.record(user, "approve", NOON, url="/admin/", ip="192.0.2.1", publication_id=1)
    refused(statement)


def test_entries_outlive_their_account() -> None:
    """The account may go; the entry keeps its name."""
    user = User.objects.create_user("ada@courier.example")
    audit.record(user, "approve", NOON)
    user.delete()
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.actor) == (None, "ada@courier.example")
