"""Statistics of PostgreSQL's optimizer: fresh after an import, and never trusted within one."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from structlog.testing import capture_logs

from digest.core.database import optimizer
from digest.newsletters.models import Newsletter
from digest.subscribers.importing import import_csv
from digest.subscribers.models import Subscriber, Subscription, Suppression
from digest.transfers import packing, queue, running
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from tests.cast import NOON, make_newsletter
from tests.core.test_lock_waits import other_session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]
MANY, FEW = 6_000, 300
CONSENT = "Ticked the box."
LOOKED_UP = (  # the starts of statements that look rows of a list up
    "INSERT INTO import_decided",
    "suppressed.key = row.key",
    "UPDATE subscribers_subscription",
    "count(DISTINCT subscriber.id)",
)


@pytest.fixture(autouse=True)
def _fresh_tables(transactional_db: None) -> None:
    """Tables without a page: the tests before leave deleted rows in them."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE subscribers_subscriber CASCADE")


def write_list(folder: Path, subscribers: int) -> Path:
    """Write a list of so many."""
    path = folder / "list.csv"
    rows = "".join(f"subscriber.{number}@mail.example\n" for number in range(subscribers))
    path.write_text(f"email\n{rows}")
    return path


def by_command(path: Path, newsletter: Newsletter) -> None:
    """As `digest subscriber import` does."""
    import_csv(path, newsletter, consent=CONSENT, now=NOON)


def by_console(path: Path, newsletter: Newsletter) -> None:
    """Uploaded, checked, begun."""
    transfer = queue.add_list(path, path.name, newsletter, CONSENT, 10**9, NOON)
    queue.run_due(NOON)
    assert queue.begin(Transfer.objects.get(pk=transfer.pk))
    queue.run_due(NOON)


def from_a_service(path: Path, newsletter: Newsletter) -> None:
    """As an export of another service."""
    archive = path.with_suffix(".zip")
    packing.pack([(path, path.name)], archive)
    options = Options(consent=CONSENT, affirmed=True)
    running.run_transfer(archive, newsletter, options, now=NOON, dry_run=False)


def analyzed(model: type[Model]) -> int:
    """Return how many rows the optimizer believes that a table has; -1 if it was never told."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = %s::regclass",
            [model._meta.db_table],
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("bring", [by_command, by_console, from_a_service])
def test_a_large_import_refreshes_statistics(
    tmp_path: Path, newsletter: Newsletter, bring: Callable[[Path, Newsletter], None]
) -> None:
    """Of tables that it filled, however the list came."""
    bring(write_list(tmp_path, MANY), newsletter)
    assert Subscription.objects.filter(newsletter=newsletter).count() == MANY
    assert (analyzed(Subscriber), analyzed(Subscription)) == (MANY, MANY)


def test_a_small_import_and_a_dry_run_do_not(tmp_path: Path, newsletter: Newsletter) -> None:
    """They change too little, or nothing."""
    import_csv(write_list(tmp_path, MANY), newsletter, consent=CONSENT, now=NOON, dry_run=True)
    assert analyzed(Subscription) == -1
    by_command(write_list(tmp_path, MANY), newsletter)
    by_command(write_list(tmp_path, MANY + FEW // 3), newsletter)
    assert Subscription.objects.count() == MANY + FEW // 3
    assert analyzed(Subscription) == MANY


def test_a_table_in_use_is_left_alone(tmp_path: Path, newsletter: Newsletter) -> None:
    """Whoever changes it, or analyzes it already, is not waited for."""
    with other_session() as session:
        session.execute("LOCK subscribers_subscription IN SHARE UPDATE EXCLUSIVE MODE")
        start = time.monotonic()
        by_command(write_list(tmp_path, MANY), newsletter)
        assert time.monotonic() - start < 20
        assert (analyzed(Subscriber), analyzed(Subscription)) == (MANY, -1)


def test_a_failure_is_logged_and_harms_nothing(
    tmp_path: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is in by then."""
    monkeypatch.setattr(optimizer, "_GROWN", "SELECT 1 / 0, %s, %s, %s")
    with capture_logs() as lines:
        by_command(write_list(tmp_path, MANY), newsletter)
    assert Subscription.objects.count() == MANY
    assert [line["event"] for line in lines] == ["statistics not refreshed"]


def test_a_new_newsletter_s_import_looks_each_row_up(
    tmp_path: Path, newsletter: Newsletter
) -> None:
    """The optimizer expects no rows of it: it read all of them, and all suppressions, for each."""
    by_command(write_list(tmp_path, MANY), newsletter)
    new = make_newsletter(publication=newsletter.publication)
    Suppression.objects.bulk_create(
        Suppression(address_key=f"s{number}@mail.example", reason="bounced", created_at=NOON)
        for number in range(MANY)
    )
    rows = (f"n{number}@mail.example,2024-05-01 10:00,active" for number in range(MANY // 3))
    path = tmp_path / "new.csv"
    stops = (f"left{number}@mail.example,,bounced" for number in range(MANY // 3))
    path.write_text("\n".join(["email,signup_date,status", *rows, *stops]))
    plans: list[str] = []

    def explain(execute: Callable[..., None], *call: Any) -> None:
        statement, params, many, context = call
        if isinstance(statement, str) and any(name in statement for name in LOOKED_UP):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}", params)
                plans.append("\n".join(row for (row,) in cursor.fetchall()))
        execute(statement, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("SET random_page_cost = 30")  # as with large tables: indexes look dear
    try:
        with connection.execute_wrapper(explain):
            from_a_service(path, new)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET random_page_cost")
    assert Subscription.objects.filter(newsletter=new).count() == MANY // 3
    assert len(plans) == len(LOOKED_UP)
    read_whole = ("Join Filter: (", "Seq Scan on subscribers_")
    assert not [plan for plan in plans if any(step in plan for step in read_whole)]
