"""A migration never keeps others waiting for long behind a lock that it cannot get."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction

from digest.core.database.lock_waits import TableBusyError, run_patiently

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]
PAUSE = 1.2  # seconds: longer than a statement waits


@pytest.fixture
def _table() -> Iterator[None]:
    """A table to be changed."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE trial (id int)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE trial")


def other_session() -> psycopg.Connection:
    """A session of somebody else in the same database."""
    names = ("host", "port", "user", "password", "dbname")
    parameters = connection.get_connection_params()
    return psycopg.connect(
        **{name: parameters[name] for name in names if parameters.get(name)},
        application_name="pg_dump",
        connect_timeout=10,
    )


@contextmanager
def reading(seconds: float) -> Iterator[psycopg.Connection]:
    """Hold the table in a transaction for some seconds, as a dump does."""
    session = other_session()
    session.execute("SELECT count(*) FROM trial")
    timer = threading.Timer(seconds, session.rollback)
    timer.start()
    try:
        yield session
    finally:
        timer.cancel()
        timer.join(10)
        session.close()


def add_column(name: str = "colour") -> None:
    """Change the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE trial ADD COLUMN {name} int")


def columns() -> list[str]:
    """Return the table's columns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM trial")
        return [column.name for column in cursor.description]


@pytest.mark.usefixtures("_table")
def test_others_pass_while_a_statement_waits() -> None:
    """A page that needs the table is served within a second, though a dump holds it for longer."""
    waits = []
    with reading(PAUSE), other_session() as page:

        def open_page() -> None:
            start = time.monotonic()
            page.execute("SELECT count(*) FROM trial")
            page.rollback()
            waits.append(time.monotonic() - start)

        asker = threading.Timer(0.2, open_page)
        asker.start()
        run_patiently(add_column)
        asker.join(10)
    assert columns() == ["id", "colour"]
    assert waits[0] < PAUSE - 0.2


@pytest.mark.usefixtures("_table")
def test_a_migration_in_a_transaction_is_tried_again_as_a_whole() -> None:
    """So that it does not hold the locks of its first half meanwhile."""
    runs = []

    def migrate() -> None:
        runs.append(time.monotonic())
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE second_trial (id int)")
            add_column()

    with reading(PAUSE):
        run_patiently(migrate)
    assert len(runs) > 1
    assert columns() == ["id", "colour"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE second_trial")


@pytest.mark.usefixtures("_table")
def test_who_holds_the_table_is_named_in_the_end() -> None:
    """With the process and its number, and what to do."""
    with reading(30) as session:
        pid = session.info.backend_pid
        with pytest.raises(TableBusyError, match=rf"pg_dump \(PID {pid}, \d+ s\).*digest migrate"):
            run_patiently(add_column, patience=0.6)
    assert columns() == ["id"]


@pytest.mark.usefixtures("_table")
def test_an_index_may_wait() -> None:
    """Built concurrently it waits for old transactions, and nobody behind it."""
    with reading(PAUSE):
        run_patiently(lambda: _execute("CREATE INDEX CONCURRENTLY trial_id ON trial (id)"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'trial_id'::regclass")
        assert cursor.fetchone() == (True,)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() != ("500ms",)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
