"""Raw hits: what reads and writes them, with 50,000 of them and with many more.

pages     of statistics, beside as many hits
jobs      judging a batch, also of an old issue; popularity; a subscriber's export and erasure
a day     that has expired: deleted and vacuumed, with its seconds and its WAL, beside the same hits
          in partitions by week that are dropped

Both sizes in one run and in turns. Hits are spread over 91 daily issues, so that the oldest day has
expired.
DIGEST_HITS (5,000,000) is the larger number, DIGEST_APART (1,000,000) that of hits in partitions.
50,000,000 need 13 GB of disk.
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from benchmarks import statistics
from benchmarks._pages import run, set_up, since, visits
from benchmarks._sides import Timed, Works, compare_sizes

HITS = int(os.environ.get("DIGEST_HITS", "5_000_000"))
PARTITION_HITS = int(os.environ.get("DIGEST_APART", "1_000_000"))
FEW = 50_000
OF_EACH = statistics.HITS  # hits of a subscriber
DAYS = 91
STEP = 1_000_000  # rows of a statement
BATCH = 5_000  # hits that are judged at once
ROUNDS = 7


def main() -> None:
    """Measure at both sizes, print the ratios, and then what becomes of a day."""
    set_up()
    larger = compare_sizes(_fill, FEW // OF_EACH, HITS // OF_EACH)
    with larger.use():
        _expire_day()
        _compare_partitions(min(PARTITION_HITS, HITS))


def _fill(subscribers: int) -> Works:
    start = time.perf_counter()
    pages = statistics.fill(subscribers)
    _make_hits(subscribers * OF_EACH)
    print(f"{subscribers:,} subscribers, {subscribers * OF_EACH:,} hits in {since(start):.0f} s")
    statistics.print_sizes()
    return {**visits(pages), **_jobs()}


def _make_hits(hits: int) -> None:
    """Make judged hits in the order of time, each of a subscriber and a link at random."""
    run("DROP TABLE IF EXISTS clicker, mailed")
    run(
        "CREATE UNLOGGED TABLE clicker AS SELECT row_number() OVER (ORDER BY id) AS number, id,"
        " ('x' || encode(substr(sha256('digest.visitor\\000'::bytea || uuid_send(uuid)), 1, 8),"
        " 'hex'))::bit(64)::bigint AS visitor FROM subscribers_subscriber"
    )
    run(
        "CREATE UNLOGGED TABLE mailed AS SELECT %s - row_number() OVER (ORDER BY slot DESC) AS day,"
        " issue.id AS issue_id, slot, (SELECT array_agg(id) FROM issues_trackedlink AS link"
        " WHERE link.issue_id = issue.id) AS links FROM issues_issue AS issue",
        DAYS,
    )
    run("DROP INDEX hit_of_subscriber")
    for begin in range(0, hits, STEP):
        end = min(begin + STEP, hits) - 1
        run(_MAKE, DAYS, hits, DAYS, hits, hits, hits // OF_EACH, begin, end)
    run(
        "CREATE INDEX hit_of_subscriber ON analytics_hit (subscriber_id, at)"
        " WHERE subscriber_id IS NOT NULL"
    )
    run("VACUUM ANALYZE")


# Within 20 hours of their issue, most of them soon: the order of ids is that of times. Two of five
# are people's.
_MAKE = """
INSERT INTO analytics_hit (at, issue_id, link_id, kind, subscriber_id, visitor, network, agent,
    since_delivery, verdict, reasons)
SELECT slot + late * interval '20 hours', issue_id, link_id, 1, clicker.id, visitor, '192.0.2.0/24',
    'browser', (late * 72000)::integer, verdict, 0
FROM (
    SELECT n, n * %s / %s AS day, (n * %s %% %s / %s::float) ^ 3 AS late,
        1 + floor(random() * %s)::bigint AS number, (ARRAY[1, 1, 2, 2, 2])[1 + n %% 5] AS verdict
    FROM generate_series(%s::bigint, %s) AS n
) AS hit
JOIN clicker USING (number) JOIN mailed USING (day)
CROSS JOIN LATERAL (SELECT links[1 + n %% cardinality(links)] AS link_id) AS link
ORDER BY n
"""


def _jobs() -> Works:
    from digest.analytics import clickers, popularity, retention
    from digest.core import clock
    from digest.newsletters.models import Publication

    publication, now = Publication.objects.get(), clock.now()
    _name_articles(publication.pk)
    subscribers = iter(_some_subscribers())
    jobs = {
        "judging 5,000 hits": (_judge, lambda: _add_hits("DESC")),
        "judging 5,000 late hits": (_judge, lambda: _add_hits("ASC")),
        "popularity": (lambda _: popularity.refresh(publication, now), lambda: None),
        "a subscriber's clicks, export": (clickers.export_hits, lambda: next(subscribers)),
        "a subscriber's clicks, erasure": (clickers.erase, lambda: next(subscribers)),
        "expiry, nothing to do": (lambda _: retention.delete_old(now - timedelta(2)), lambda: None),
    }
    return {name: Timed(work, prepare, ROUNDS) for name, (work, prepare) in jobs.items()}


def _judge(_: Any) -> None:
    from digest.analytics import judging
    from digest.core import clock

    assert judging.judge_due(clock.now()) >= BATCH


def _add_hits(order: str) -> None:
    """Add a batch that is due: of the newest issue, or of the oldest whose hits are kept."""
    run(
        "INSERT INTO analytics_hit (at, issue_id, link_id, kind, subscriber_id, visitor, network,"
        " agent, reasons) SELECT now() - interval '2 minutes', issue_id, links[1 + number %% 20],"
        " 1, id, visitor, '192.0.2.0/24', 'browser', 0 FROM"
        f" (SELECT * FROM mailed WHERE day > 0 ORDER BY day {order} LIMIT 1) AS mailed,"
        " generate_series(1, %s) AS n JOIN clicker ON clicker.number = 1 + n %% %s",
        BATCH,
        _count("clicker"),
    )


def _name_articles(publication: int) -> None:
    """Give each story an article of its own."""
    from digest.articles.models import Article
    from digest.issues.models import TrackedLink
    from tests.cast import make_article

    Article.objects.all().delete()
    links = list(TrackedLink.objects.filter(story__isnull=False))
    for link in links:
        link.article_id = make_article(publication_id=publication, url=link.url).pk
    TrackedLink.objects.bulk_update(links, ["article_id"], batch_size=500)


def _some_subscribers() -> list[Any]:
    from digest.subscribers.models import Subscriber

    return list(Subscriber.objects.order_by("uuid")[: 2 * ROUNDS])


def _expire_day() -> None:
    """Delete what has expired, as the job does, and vacuum."""
    from digest.analytics import retention
    from digest.core import clock

    rows, start, wal = 0, time.perf_counter(), _wal()
    while deleted := retention.delete_old(clock.now()):
        rows += deleted
    seconds, written = since(start), _wal() - wal
    start, wal = time.perf_counter(), _wal()
    run("VACUUM analytics_hit")
    print(
        f"a day that has expired: {rows:,} hits deleted in {seconds:.1f} s ({written / 1e6:,.0f} MB"
        f" of WAL), vacuumed in {since(start):.1f} s ({(_wal() - wal) / 1e6:,.0f} MB)",
        flush=True,
    )


def _compare_partitions(hits: int) -> None:
    """Copy hits into a table as it is, and into partitions by week; print what each takes."""
    columns = (
        "id, at, issue_id, link_id, kind, subscriber_id, visitor, network, agent, since_delivery,"
        " variant, verdict, reasons"
    )
    run("CREATE TABLE whole (LIKE analytics_hit INCLUDING DEFAULTS)")
    run("CREATE TABLE parted (LIKE analytics_hit INCLUDING DEFAULTS) PARTITION BY RANGE (at)")
    for week in range(15):
        run(
            f"CREATE TABLE parted_{week} PARTITION OF parted FOR VALUES"
            f" FROM (CURRENT_DATE - {7 * (14 - week)}) TO (CURRENT_DATE - {7 * (13 - week)})"
        )
    for table, key in (("whole", "id"), ("parted", "id, at")):
        run(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
        run(f"CREATE INDEX ON {table} (issue_id, visitor, at)")
        run(f"CREATE INDEX ON {table} (id) WHERE verdict IS NULL")
        run(f"CREATE INDEX ON {table} (subscriber_id, at) WHERE subscriber_id IS NOT NULL")
        run(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM analytics_hit"
            " WHERE id %% greatest(1, %s) = 0 ORDER BY id",
            _count("analytics_hit") // hits,
        )
    run("VACUUM ANALYZE whole, parted")
    for table in ("whole", "parted"):
        visitors = _median(lambda _, name=table: run(_OF_VISITORS.format(table=name)))  # type: ignore[misc]
        clickers = _median(lambda _, name=table: run(_OF_SUBSCRIBERS.format(table=name)))  # type: ignore[misc]
        print(
            f"{table}, {_count(table):,} hits: those of 1,000 visitors of an issue in"
            f" {visitors:.1f} ms, those of 100 subscribers in {clickers:.1f} ms",
            flush=True,
        )
    weeks = {
        "whole": ("DELETE FROM whole WHERE at < CURRENT_DATE - 84", "VACUUM whole"),
        "parted": ("DROP TABLE parted_0, parted_1",),
    }
    for table, statements in weeks.items():
        start, wal = time.perf_counter(), _wal()
        for statement in statements:
            run(statement)
        print(f"{table}: a week goes in {since(start):.2f} s, {(_wal() - wal) / 1e6:.1f} MB of WAL")
    run("DROP TABLE whole, parted, clicker, mailed")


_OF_VISITORS = """
SELECT count(hit.id) FROM (SELECT issue_id FROM mailed WHERE day = 80) AS mailed,
    (SELECT visitor FROM clicker WHERE number <= 1000) AS clicker,
    LATERAL (SELECT * FROM {table} AS hit WHERE hit.issue_id = mailed.issue_id
        AND hit.visitor = clicker.visitor ORDER BY at, id LIMIT 300) AS hit
"""
_OF_SUBSCRIBERS = """
SELECT count(hit.id) FROM (SELECT id FROM clicker WHERE number <= 100) AS clicker,
    LATERAL (SELECT * FROM {table} AS hit WHERE hit.subscriber_id = clicker.id ORDER BY at) AS hit
"""


def _median(work: Callable[[Any], Any], prepare: Callable[[], Any] = lambda: None) -> float:
    """Return the median milliseconds of a piece of work, each time after preparing for it."""
    times = []
    for _ in range(ROUNDS):
        subject = prepare()
        start = time.perf_counter()
        work(subject)
        times.append(since(start) * 1000)
    return median(times)


def _count(table: str) -> int:
    return _value(f"SELECT count(*) FROM {table}")


def _wal() -> int:
    """Return how many bytes of WAL have been written."""
    return _value("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def _value(sql: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
