"""What the benchmarks of pages share: Django on PostgreSQL, subscribers and visits."""

import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks import _django
from benchmarks._sides import Timed, Works

FEW, MANY = 1_000, int(os.environ.get("DIGEST_SUBSCRIBERS", "1_000_000"))
Pages = Mapping[str, tuple[Any, str]]  # clients and addresses, by the name of the page


def set_up() -> None:
    """Prepare Django and an empty database for a client's requests."""
    os.environ["DIGEST_ALLOWED_HOSTS"] = "testserver"
    os.environ["DIGEST_METRICS_ALLOW"] = "127.0.0.1"
    os.environ["DIGEST_API_LIMIT"] = "1000000/minute"
    _django.set_up()


def visits(pages: Pages) -> Works:
    """Return a request for each page, to be timed."""
    return {name: Timed(partial(_visit, name, *page)) for name, page in pages.items()}


def _visit(name: str, client: Any, address: str, _: None) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, (name, answer.status_code, answer.content[:300])


def editor() -> Any:
    """Return the client of somebody who may do everything."""
    from django.test import Client

    from digest.accounts.models import User

    user, _ = User.objects.get_or_create(
        email="ada@courier.example", is_staff=True, is_superuser=True
    )
    client = Client()
    client.force_login(user)
    return client


def make_subscribers(subscribers: int, newsletter: int) -> None:
    """Make active subscribers of a newsletter; their consent is the caller's."""
    run(
        "INSERT INTO subscribers_subscriber (email, address_key, name, language, timezone,"
        " created_at) SELECT 'r' || n || '@mail.example', 'r' || n || '@mail.example', '', '', '',"
        " now() FROM generate_series(1, %s) AS n",
        subscribers,
    )
    run(
        "INSERT INTO subscribers_subscription (subscriber_id, newsletter_id, state, cadence,"
        " topics, created_at, confirmed_at) SELECT id, %s, 'active', 'every', '{}', now(), now()"
        " FROM subscribers_subscriber",
        newsletter,
    )


def run(sql: str, *parameters: Any) -> None:
    """Execute a statement; a percent sign is doubled in it, with parameters or without."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql if parameters else sql.replace("%%", "%"), list(parameters) or None)


def fetch(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Execute a query, and return its rows; percent signs as in `run`."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql if parameters else sql.replace("%%", "%"), list(parameters) or None)
        return list(cursor.fetchall())


def since(start: float) -> float:
    """Return the seconds since a moment of `time.perf_counter`."""
    return time.perf_counter() - start
