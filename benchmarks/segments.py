"""Segments: counts and previews with a thousand subscribers, and with many.

Subscribers have 20 attributes, tags and hits (DIGEST_SUBSCRIBERS, 1,000,000; DIGEST_HITS_EACH, 50).
Each rule is counted and previewed in turns, as the console does; "about" beside a number says that
it was estimated. Both sizes in one run.
"""

import os
import time
from statistics import median
from typing import Any

from benchmarks._pages import FEW, MANY, set_up

ROUNDS = 7
HITS_EACH = int(os.environ.get("DIGEST_HITS_EACH", "50"))
STEP = 100_000  # subscribers of a statement
TABLES = ("subscribers_subscriber", "subscribers_subscription", "subscribers_profile")
RULES: dict[str, list[tuple[str, str, Any]]] = {
    "everyone": [],
    "a tag of 1 %": [("tag", "is", "rare")],
    "a tag of half": [("tag", "is", "half")],
    "a city of 1 %": [("attribute.a0", "is", "city 7")],
    "a number above, 10 %": [("attribute.a7", "more_than", 899)],
    "a number above, 1 in 100,000": [("attribute.a6", "more_than", 99_998)],
    "joined in 30 days": [("joined", "in_last", 30)],
    "clicked in 90 days": [("clicked", "in_last", 90)],
    "city, joined and clicked": [
        ("attribute.a0", "is", "city 7"),
        ("joined", "in_last", 30),
        ("clicked", "in_last", 90),
    ],
    "part of an address": [("email", "contains", "r77777")],
}


def main() -> None:
    """Measure at both sizes; print milliseconds and ratios."""
    set_up()
    few, many = _measure(FEW), _measure(MANY)
    print(f"{'':<40}{FEW:>9,} subscribers {MANY:>12,}  ratio")
    for name, (ms, number) in few.items():
        many_ms, number_of_many = many[name]
        print(
            f"{name:<40}{ms:9.1f} ms {number:>12}{many_ms:9.1f} ms {number_of_many:>18}"
            f"{many_ms / ms:7.2f}"
        )


def _measure(subscribers: int) -> dict[str, tuple[float, str]]:
    from digest.core import clock
    from digest.subscribers.segments import counting
    from digest.subscribers.segments.conditions import members
    from digest.subscribers.segments.fields import catalog_of

    start = time.perf_counter()
    publication = _fill(subscribers)
    print(f"{subscribers:,} subscribers in {time.perf_counter() - start:.0f} s")
    catalog = catalog_of(publication)
    results: dict[str, tuple[float, str]] = {}
    for name, rules in RULES.items():
        keys = ("field", "operator", "value")
        document = {"rules": [dict(zip(keys, rule, strict=True)) for rule in rules]}
        rows = members(catalog, catalog.read(document), clock.now())
        counted = [
            _timed(lambda rows=rows: counting.count(rows, [publication.pk])) for _ in range(ROUNDS)
        ]
        results[f"{name}, count"] = (median(ms for ms, _ in counted), str(counted[-1][1]))
        listed = [
            _timed(lambda rows=rows: counting.preview(rows, [publication.pk]))
            for _ in range(ROUNDS)
        ]
        results[f"{name}, preview"] = (median(ms for ms, _ in listed), f"{len(listed[-1][1])}")
    return results


def _timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = work()
    return (time.perf_counter() - start) * 1000, answer


def _fill(subscribers: int) -> Any:
    """Make a publication with as many subscribers, their profiles and hits."""
    from django.db import connection

    from digest.core import clock
    from digest.subscribers import attributes
    from tests.cast import make_issue, make_newsletter, make_publication

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE subscribers_subscriber, newsletters_publication CASCADE")
        cursor.execute("TRUNCATE analytics_hit")
    publication = make_publication(tracking="individual")
    for number in range(20):
        kind = ("text", "number", "date", "boolean")[0 if number < 5 else 1 if number < 10 else 2]
        key = f"a{number}"
        attributes.define(publication, label=key, key=key, kind=kind, now=clock.now())
    newsletter = make_newsletter(publication=publication)
    issue = make_issue(newsletter)
    with connection.cursor() as cursor:
        for first in range(1, subscribers + 1, STEP):
            last = min(first + STEP - 1, subscribers)
            values = {
                "first": first,
                "last": last,
                "newsletter": newsletter.pk,
                "publication": publication.pk,
                "issue": issue.pk,
                "hits": HITS_EACH,
            }
            for statement in _STATEMENTS:
                cursor.execute(statement, values)
        for table in (*TABLES, "analytics_hit"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    return publication


_STATEMENTS = (
    """
    INSERT INTO subscribers_subscriber
        (id, email, address_key, name, language, timezone, created_at)
    SELECT n, 'subscriber' || n || '@mail.example', 'subscriber' || n || '@mail.example', '', '',
        '', now() FROM generate_series(%(first)s::bigint, %(last)s) AS n
    """,
    """
    INSERT INTO subscribers_subscription
        (subscriber_id, newsletter_id, state, created_at, confirmed_at)
    SELECT n, %(newsletter)s, 'active', now(), now() - make_interval(days => (n %% 1000)::int)
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
    """,
    """
    INSERT INTO subscribers_profile (subscriber_id, publication_id, tags, attributes)
    SELECT n, %(publication)s,
        CASE WHEN n %% 100 = 1 THEN '{rare,half}' WHEN n %% 2 = 1 THEN '{half}' ELSE '{}' END
            ::varchar[],
        (SELECT jsonb_object_agg('a' || k, CASE
            WHEN k < 5 THEN to_jsonb('city ' || (n * 7919 %% 100))
            WHEN k = 6 THEN to_jsonb(n * 7919 %% 100000)
            WHEN k < 10 THEN to_jsonb(n * 7919 %% 1000)
            ELSE to_jsonb(to_char(date '2020-01-01' + (n * 7919 %% 2000)::int, 'YYYY-MM-DD')) END)
         FROM generate_series(0, 19) AS k)
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
    """,
    """
    INSERT INTO analytics_hit
        (at, issue_id, link_id, kind, subscriber_id, visitor, network, agent, verdict, reasons)
    SELECT now() - make_interval(days => (n %% 180)::int, hours => k), %(issue)s, 1, 1, n, n,
        '192.0.2.0/24', '', 1, 0
    FROM generate_series(%(first)s::bigint, %(last)s) AS n, generate_series(1, %(hits)s) AS k
    """,
)

if __name__ == "__main__":
    main()
