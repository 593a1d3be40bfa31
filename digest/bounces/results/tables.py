"""The results of issues as tables: by domain, by mailbox provider, by day, and of one by issue.

All read the counted rows (`counting`), at most some dozens for each issue, never deliveries.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, date
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

from digest.bounces.models import Bounce, DomainResult
from digest.bounces.results.values import Result
from digest.reputation.recipients.destinations import destinations_of
from digest.reputation.recipients.providers import providers

SAMPLE = 2_000  # bounces, the latest, whose words are grouped

_SUMS = {
    "sum_sent": Sum("sent"),
    "sum_deferred": Sum("deferred"),
    "sum_waiting": Sum("waiting"),
    "sum_refused": Sum("refused"),
    "sum_bounced": Sum("bounced"),
    "sum_complaints": Sum("complaints"),
    "sum_clickers": Coalesce(Sum("clickers"), 0),
    "sum_countable": Coalesce(Sum("sent", filter=Q(clickers__isnull=False)), 0),
}


def by_domain(issue_ids: Sequence[int], most: int = 30) -> list[Result]:
    """Return the results of issues by domain, the largest first."""
    rows = DomainResult.objects.filter(issue__in=issue_ids).values("domain").order_by()
    numbers = rows.annotate(**_SUMS).values_list("domain", *_SUMS)
    return _largest([Result(*row) for row in numbers])[:most]


def by_destination(issue_ids: Sequence[int]) -> list[Result]:
    """Return the results of issues by mailbox provider, the largest first; the rest is one row, "".

    Domains of no provider that is known are part of the rest.
    """
    groups: dict[str, list[Result]] = defaultdict(list)
    domains = by_domain(issue_ids, most=100_000)
    destinations = destinations_of(row.label for row in domains)
    for row in domains:
        key = destinations[row.label]
        groups[key if key in providers() else ""].append(row)
    return _largest([Result.total(key, rows) for key, rows in groups.items()])


def by_day(issue_ids: Sequence[int], domains: Collection[str] | None) -> list[tuple[date, Result]]:
    """Return results by the day (UTC) of the issue's slot, the oldest first; None: all domains."""
    rows = DomainResult.objects.filter(issue__in=issue_ids)
    if domains is not None:
        rows = rows.filter(domain__in=domains)
    days = rows.annotate(day=TruncDate("issue__slot", tzinfo=UTC)).values("day").order_by("day")
    numbers = days.annotate(**_SUMS).values_list("day", *_SUMS)
    return [(day, Result("", *values)) for day, *values in numbers]


def by_day_and_destination(issue_ids: Sequence[int]) -> list[tuple[date, dict[str, Result]]]:
    """Return the results of each day (UTC) by mailbox provider or domain, the oldest day first."""
    rows = DomainResult.objects.filter(issue__in=issue_ids).exclude(domain="").order_by()
    days = rows.annotate(day=TruncDate("issue__slot", tzinfo=UTC)).values("day", "domain")
    values = list(days.annotate(**_SUMS).values_list("day", "domain", *_SUMS))
    return sorted(_grouped(values).items())


def by_issue(issue_ids: Sequence[int], domains: Collection[str]) -> dict[int, Result]:
    """Return the results of some domains together, by issue."""
    rows = DomainResult.objects.filter(issue__in=issue_ids, domain__in=domains).order_by()
    numbers = rows.values("issue").annotate(**_SUMS).values_list("issue", *_SUMS)
    return {issue: Result("", *values) for issue, *values in numbers}


def results_by_destination(issue_ids: Sequence[int]) -> dict[int, dict[str, Result]]:
    """Return the results of each issue by destination: a provider's key, or a domain of none.

    Issues without results are not among them; the row of small domains is left out.
    """
    rows = DomainResult.objects.filter(issue__in=issue_ids).exclude(domain="").order_by()
    numbers = rows.values("issue", "domain").annotate(**_SUMS)
    return _grouped(list(numbers.values_list("issue", "domain", *_SUMS)))


def domains_of(issue_ids: Sequence[int], destination: str) -> list[str]:
    """Return the domains in the results of issues that belong to a provider, or the domain itself.

    The largest comes first.
    """
    domains = [row.label for row in by_domain(issue_ids, most=100_000)]
    destinations = destinations_of(domains)
    return [domain for domain in domains if destination in {destinations[domain], domain}]


def latest_bounces(
    issue_ids: Sequence[int], domains: Collection[str], most: int = 20
) -> list[Bounce]:
    """Return the latest bounces of some domains, with the servers' words."""
    rows = _bounces(issue_ids, domains).select_related("subscriber", "issue")
    return list(rows[:most])


def frequent_replies(
    issue_ids: Sequence[int], domains: Collection[str], *, most: int = 8, fewest: int = 1
) -> list[tuple[str, int]]:
    """Return what servers say most often, among the latest bounces: the words, and how often.

    A reply that fewer than `fewest` subscribers got is left out: it may name somebody.
    """
    rows = _bounces(issue_ids, domains).only("status", "code", "text", "subscriber")[:SAMPLE]
    subscribers: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        subscribers[_without_differences(row.reply)].append(row.subscriber_id)
    counts = {text: len(pks) for text, pks in subscribers.items() if len(set(pks)) >= fewest}
    return Counter(counts).most_common(most)


def _grouped(values: Sequence[tuple[Any, ...]]) -> dict[Any, dict[str, Result]]:
    """Add up rows of a key, a domain and its sums, by key and destination."""
    groups: dict[Any, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    destinations = destinations_of(domain for _, domain, *_ in values)
    for key, domain, *sums in values:
        groups[key][destinations[domain]].append(Result(domain, *sums))
    return {
        key: {name: Result.total(name, results) for name, results in group.items()}
        for key, group in groups.items()
    }


def _without_differences(reply: str) -> str:
    """Return a reply without what differs between two of the same: addresses, ids, numbers."""
    return " ".join(_without_ids(token) for token in reply.split())


def _without_ids(token: str) -> str:
    plain = token.strip("()[]<>;:,.'\"")
    is_code = len(plain) == 3 or plain.count(".") == 2
    has_id = "@" in plain or (sum(char.isdigit() for char in plain) >= 3 and not is_code)
    return "…" if has_id else token


def _bounces(issue_ids: Sequence[int], domains: Collection[str]) -> QuerySet[Bounce]:
    rows = Bounce.objects.filter(issue__in=issue_ids, domain__in=domains)
    return rows.order_by("-at", "-pk")


def _largest(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (-result.tried, result.label))
