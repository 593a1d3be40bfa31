"""A subscriber's pages with a thousand subscribers, and with a million.

Both in one run, through Django's whole stack and a real PostgreSQL; medians of many subscribers
each.
"""

import os
import random
import time
from statistics import median

from benchmarks._django import set_up
from benchmarks._pages import FEW, MANY

VISITS = 300
HOST = "https://digest.example"


def main() -> None:
    """Time the pages at both sizes and print the ratios."""
    os.environ["DIGEST_ALLOWED_HOSTS"] = "digest.example,testserver"
    set_up()
    from tests.cast import make_newsletter

    newsletter = make_newsletter()
    few = _fill_and_visit(newsletter.pk, FEW)
    many = _fill_and_visit(newsletter.pk, MANY)
    for page, medians in few.items():
        print(
            f"{page:<22} {FEW:,} subscribers {medians:6.2f} ms,"
            f" {MANY:,} subscribers {many[page]:6.2f} ms, ratio {many[page] / medians:.2f}"
        )


def _fill_and_visit(newsletter: int, subscribers: int) -> dict[str, float]:
    from django.test import Client

    from digest.core import links
    from digest.newsletters.models import Newsletter
    from digest.subscribers.models import Subscriber

    _fill(newsletter, subscribers)
    subscribers_at_random = list(Subscriber.objects.order_by("?")[: VISITS * 2])
    tide = Newsletter.objects.select_related("publication").get(pk=newsletter)
    client = Client()
    visits = {
        "preferences, GET": [
            ("get", links.preferences_url(subscriber, tide.publication))
            for subscriber in subscribers_at_random
        ],
        "unsubscribe, GET": [
            ("get", f"/unsubscribe/{links.unsubscribe_token(subscriber, tide)}")
            for subscriber in subscribers_at_random
        ],
        "unsubscribe, POST": [
            ("post", f"/unsubscribe/{links.unsubscribe_token(subscriber, tide)}")
            for subscriber in subscribers_at_random
        ],
    }
    medians: dict[str, float] = {}
    for page, addresses in visits.items():
        times = []
        for method, address in random.sample(addresses, VISITS):
            start = time.perf_counter()
            answer = getattr(client, method)(address.removeprefix(HOST))
            times.append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, (page, answer.status_code)
        medians[page] = median(times)
    return medians


def _fill(newsletter: int, subscribers: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE subscribers_subscriber CASCADE")
        cursor.execute(
            "INSERT INTO subscribers_subscriber"
            " (email, address_key, name, language, timezone, created_at)"
            " SELECT email, email, '', '', '', now() FROM"
            " (SELECT 'subscriber' || n || '@mail.example' AS email"
            "    FROM generate_series(1, %s) AS n) AS made",
            [subscribers],
        )
        cursor.execute(
            "INSERT INTO subscribers_subscription"
            " (subscriber_id, newsletter_id, state, created_at, confirmed_at)"
            " SELECT id, %s, 'active', now(), now() FROM subscribers_subscriber",
            [newsletter],
        )
        cursor.execute("VACUUM ANALYZE subscribers_subscriber")
        cursor.execute("VACUUM ANALYZE subscribers_subscription")


if __name__ == "__main__":
    main()
