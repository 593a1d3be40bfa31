"""The filter of machines: scanner clicks filtered and people's clicks lost, beside crawlerdetect.

The corpus (tests/analytics/corpus.py) is ours and labelled: sessions of people, scanners and image
proxies after public descriptions. The rules were written and tuned with some seeds; five others
were left alone until they were done, and their spread is printed. Both privacy levels are measured:
with the subscriber in each link, and without, where a visitor is a client of one day. There the
filter needs quiet links, so a tenth of the sessions (a smaller list) is measured too.

crawlerdetect sees the user agent only, as peers do. Then the pace of judging: the pure rules in one
process, and the job from the table of hits to totals, on PostgreSQL.

    make bench ARGS=verdicts
"""

import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment

if TYPE_CHECKING:
    from digest.analytics.models import Verdict
    from tests.analytics.corpus import Sample
    from tests.analytics.measuring import Figures

SESSIONS = int(os.environ.get("DIGEST_SESSIONS", "50_000"))
TUNED_SEEDS = (15, 101)
HELD_OUT_SEEDS = (1015, 3015, 4015, 5015, 6015)
HITS = int(os.environ.get("DIGEST_HITS", "100_000"))


def main() -> None:
    """Compare, then measure."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)

    _compare("tuned with", TUNED_SEEDS, SESSIONS)
    _compare("held out", HELD_OUT_SEEDS, SESSIONS)
    _compare("held out", HELD_OUT_SEEDS, SESSIONS // 10)
    _measure_job()


def _compare(half: str, seeds: Sequence[int], sessions: int) -> None:
    """Print each filter's figures over corpora of several seeds, with their spread."""
    from tests.analytics.corpus import corpus
    from tests.analytics.measuring import by_rules, figures

    filters: dict[str, Callable[[Sequence[Sample]], list[Verdict]]] = {
        "Digest, subscriber in the link": partial(by_rules, named=True),
        "Digest, no subscriber": partial(by_rules, named=False),
        "crawlerdetect": by_crawlerdetect,
    }
    results: dict[str, list[Figures]] = {name: [] for name in filters}
    print(f"-- {half}: seeds {', '.join(map(str, seeds))}, {sessions:,} sessions each")
    for seed in seeds:
        samples = corpus(seed, sessions)
        for name, judge in filters.items():
            results[name].append(figures(samples, judge(samples)))
    for name, figures_by_seed in results.items():
        _print(name, figures_by_seed)


def by_crawlerdetect(samples: Sequence["Sample"]) -> "list[Verdict]":
    """Judge by the user agent alone."""
    from crawlerdetect import CrawlerDetect  # type: ignore[import-untyped]

    from digest.analytics.models import Verdict

    detector, verdicts = CrawlerDetect(), dict[str, Verdict]()
    for agent in {hit.user_agent for hit in samples}:
        verdicts[agent] = Verdict.MACHINE if detector.isCrawler(agent) else Verdict.HUMAN
    return [verdicts[hit.user_agent] for hit in samples]


def _print(name: str, results: Sequence["Figures"]) -> None:
    scanner, human = (
        sum(column) for column in zip(*((row[0], row[2]) for row in results), strict=True)
    )
    print(f"-- {name}, of {scanner:,} clicks of scanners and {human:,} of people:")
    print(f"   filtered {_spread([row.filtered_share for row in results])}, ", end="")
    print(f"people lost {_spread([row.lost_share for row in results])}")
    print(f"   misjudged: {_families(results)}", flush=True)


def _spread(shares: Sequence[float]) -> str:
    return f"{statistics.mean(shares):.2%} ({min(shares):.2%} to {max(shares):.2%})"


def _families(results: Sequence["Figures"]) -> str:
    by_family = sum((row.by_family for row in results), Counter[tuple[str, bool]]())
    wrong = [(number, family) for (family, bad), number in by_family.items() if bad]
    return ", ".join(f"{family} {number:,}" for number, family in sorted(wrong, reverse=True))


def _measure_job() -> None:
    """Judge a table full of hits."""
    from django.db import connection

    from digest.analytics import judging
    from digest.analytics.models import Hit, IssueTotals
    from digest.core import clock

    dice, begin = random.Random(15), clock.now() - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE analytics_hit, analytics_linkhour")
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
    start, cpu = time.perf_counter(), time.process_time()
    number = judging.judge_due(clock.now())
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(
        f"-- the job: {number:,} hits judged and counted, {number / seconds:,.0f} a second ", end=""
    )
    print(f"({number / cpu:,.0f} a second of our own processor time)")
    print(f"   totals: {list(IssueTotals.objects.order_by('pk').values_list('pk', 'clicks'))}")


if __name__ == "__main__":
    main()
