"""The filter of machines: scanner clicks filtered and people's clicks lost, beside crawlerdetect.

The corpus (tests/analytics/corpus.py) is ours and labelled: sessions of people, scanners and image
proxies after public descriptions, in two halves of different seeds. The rules were written and
tuned with the first; the second was left alone until they were done. Both privacy levels are
measured: with the subscriber in each link, and without, where a visitor is a client of one day.

crawlerdetect sees the user agent only, as peers do. Then the pace of judging: the pure rules in one
process, and the job from the table of hits to totals, on PostgreSQL.

    make bench ARGS=verdicts
"""

import os
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment

if TYPE_CHECKING:
    from digest.analytics.models import Verdict
    from tests.analytics.corpus import Sample
    from tests.analytics.measuring import Figures

SESSIONS = int(os.environ.get("DIGEST_SESSIONS", "50_000"))
HITS = int(os.environ.get("DIGEST_HITS", "100_000"))


def main() -> None:
    """Compare, then measure."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.analytics.corpus import corpus
    from tests.analytics.measuring import by_rules, figures

    for half, seed in (("tuned with", 15), ("held out", 1015)):
        samples = corpus(seed, SESSIONS)
        print(f"-- {half}: {SESSIONS:,} sessions, {len(samples):,} hits")
        for name, named in (("subscriber in the link", True), ("no subscriber", False)):
            began = time.perf_counter()
            verdicts = by_rules(samples, named=named)
            pace = len(samples) / (time.perf_counter() - began)
            result = figures(samples, verdicts)
            _print(f"Digest, {name}", result)
            print(f"   {pace:,.0f} hits a second, rules alone; misjudged: {_families(result)}")
        _print("crawlerdetect", figures(samples, by_crawlerdetect(samples)))
    _measure_job()


def by_crawlerdetect(samples: Sequence["Sample"]) -> "list[Verdict]":
    """Judge by the user agent alone."""
    from crawlerdetect import CrawlerDetect  # type: ignore[import-untyped]

    from digest.analytics.models import Verdict

    detector, verdicts = CrawlerDetect(), dict[str, Verdict]()
    for agent in {hit.user_agent for hit in samples}:
        verdicts[agent] = Verdict.MACHINE if detector.isCrawler(agent) else Verdict.HUMAN
    return [verdicts[hit.user_agent] for hit in samples]


def _print(name: str, result: "Figures") -> None:
    print(
        f"-- {name}: {result.filtered_share:.2%} of {result.scanner_clicks:,} scanner clicks ",
        end="",
    )
    print(
        f"filtered, {result.lost_share:.2%} of {result.human_clicks:,} human clicks lost",
        flush=True,
    )


def _families(result: "Figures") -> str:
    wrong = [(number, family) for (family, bad), number in result.by_family.items() if bad]
    return ", ".join(f"{family} {number:,}" for number, family in sorted(wrong, reverse=True))


def _measure_job() -> None:
    """Judge a table full of hits."""
    from django.db import connection

    from digest.analytics import judging
    from digest.analytics.models import Hit, IssueTotals
    from digest.core import clock

    dice, begin = random.Random(15), clock.now() - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE analytics_hit, analytics_firstclick, analytics_linkhour")
    Hit.objects.bulk_create(
        (
            Hit(
                at=begin + timedelta(seconds=dice.uniform(0, 80_000)),
                issue_id=dice.randint(1, 3),
                link_id=dice.randint(0, 20),
                kind=1,
                visitor=dice.randint(1, HITS // 3),
                network=f"81.153.{dice.randint(0, 255)}.0/24",
                agent="browser",
            )
            for _ in range(HITS)
        ),
        batch_size=5_000,
    )
    began, cpu = time.perf_counter(), time.process_time()
    number = judging.judge_due(clock.now())
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(
        f"-- the job: {number:,} hits judged and counted, {number / seconds:,.0f} a second ", end=""
    )
    print(f"({number / cpu:,.0f} a second of our own processor time)")
    print(f"   totals: {list(IssueTotals.objects.order_by('pk').values_list('pk', 'clicks'))}")


if __name__ == "__main__":
    main()
