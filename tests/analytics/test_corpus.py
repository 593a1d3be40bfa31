"""What the filter achieves on a small labelled corpus; benchmarks/verdicts.py uses a large one."""

import pytest

from digest.analytics.models import HitKind, Verdict
from tests.analytics.corpus import Label, corpus
from tests.analytics.measuring import by_rules, figures

SESSIONS = 8_000


@pytest.mark.parametrize("named", [True, False])
def test_scanners_are_filtered_and_people_kept(*, named: bool) -> None:
    """At least 99 % of scanner clicks, at most 1 % of people's, whether links name them or not."""
    samples = corpus(2015, SESSIONS)
    result = figures(samples, by_rules(samples, named=named))
    assert min(result.scanner_clicks, result.human_clicks) > 10_000
    assert result.filtered_share >= 0.99
    assert result.lost_share <= 0.01


def test_opens_by_proxies_are_uncertain() -> None:
    """All of them, and no other open."""
    samples = corpus(2015, SESSIONS)
    opens = [
        (hit.label is Label.PROXY, verdict is Verdict.UNCERTAIN)
        for hit, verdict in zip(samples, by_rules(samples, named=True), strict=True)
        if hit.kind == HitKind.OPEN
    ]
    proxies = [is_uncertain for is_proxy, is_uncertain in opens if is_proxy]
    assert len(proxies) > 300
    assert all(proxies)
    humans = [is_uncertain for is_proxy, is_uncertain in opens if not is_proxy]
    assert sum(humans) / len(humans) < 0.2  # Apple's relay: it fetches for people too
