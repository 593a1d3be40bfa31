"""Names of the jobs, and the nudge that asks a worker to look for one.

PostgreSQL holds the work as rows that are due; a Celery message only says "look now". Losing one
costs the time until beat's next sweep, so publishing never fails the caller. `workers` registers
the names; nothing below imports it.
"""

from functools import cache

import redis
import structlog
from celery import Celery
from django.conf import settings
from django.db import transaction

POLL_SOURCES = "articles.poll"
RECEIVE_ARTICLES = "articles.receive"  # what connections reported
ASK_CONNECTIONS = "articles.ask_connections"  # for what they did not report
FETCH_PICTURES = "pictures.fetch"
BUILD_ISSUES = "issues.build"
PLAN_ISSUES = "delivery.plan"
SEND_DELIVERIES = "sending.send"  # a queue apart: planning and sweeps never wait behind it
SWEEP_DELIVERIES = "delivery.sweep"
ARCHIVE_DELIVERIES = "delivery.archive"
COMPACT_GROWTH = "delivery.compact_growth"
SETTLE_SIGNUPS = "notices.settle"  # with the next: a subscriber waits, so no issue is before them
SEND_NOTICES = "notices.send"
SETTLE_REFUSALS = "delivery.settle_refusals"
PLAN_SERIES = "delivery.plan_series"  # steps of series that are due
COUNT_RESULTS = "delivery.count_results"
COLLECT_PAGE_VIEWS = "analytics.page_views"
REFRESH_POPULARITY = "analytics.popularity"
POLL_MAILBOXES = "mailboxes.poll"
JUDGE_HITS = "analytics.judge"  # clicks and opens
DECIDE_EXPERIMENTS = "analytics.decide_experiments"
ASK_PROVIDERS = "mailboxes.ask_providers"
ASK_INACTIVE = "delivery.ask_inactive"
ASK_SERVICES = "mailboxes.ask_services"  # of providers, about our reputation
LOOK_UP_NAMES = "mailboxes.look_up_names"  # of providers and of hosts that send in our name
CHANGE_SUBSCRIBERS = "delivery.change_subscribers"  # many at once, as an editor confirmed
BEAT = "delivery.beat"  # counts time in the database, to recognise an older state of it
RECORD_EVIDENCE = "delivery.record_evidence"  # of who left and what was sent, for a restore
DELETE_OLD_HITS = "analytics.delete_old"
DELETE_OLD_NOTICES = "notices.delete_old"
NOTIFY_NEWSROOM = "notices.notify_newsroom"  # of issues that wait or failed, and the like
DELIVER_WEBHOOKS = "webhooks.deliver"
QUEUE_STATISTICS = "webhooks.queue_statistics"
DELETE_OLD_WEBHOOK_DELIVERIES = "webhooks.delete_old"
RUN_TRANSFERS = "transfers.run"  # lists, and exports of other services
SETTLE_TIERS = "delivery.settle_tiers"  # of everybody who pays, after rules have changed

NAMES = frozenset(
    {
        POLL_SOURCES,
        RECEIVE_ARTICLES,
        ASK_CONNECTIONS,
        FETCH_PICTURES,
        BUILD_ISSUES,
        PLAN_ISSUES,
        SEND_DELIVERIES,
        SWEEP_DELIVERIES,
        ARCHIVE_DELIVERIES,
        COMPACT_GROWTH,
        SETTLE_SIGNUPS,
        SEND_NOTICES,
        SETTLE_REFUSALS,
        PLAN_SERIES,
        COUNT_RESULTS,
        COLLECT_PAGE_VIEWS,
        REFRESH_POPULARITY,
        POLL_MAILBOXES,
        JUDGE_HITS,
        DECIDE_EXPERIMENTS,
        ASK_PROVIDERS,
        ASK_INACTIVE,
        ASK_SERVICES,
        LOOK_UP_NAMES,
        CHANGE_SUBSCRIBERS,
        BEAT,
        RECORD_EVIDENCE,
        DELETE_OLD_HITS,
        DELETE_OLD_NOTICES,
        NOTIFY_NEWSROOM,
        DELIVER_WEBHOOKS,
        QUEUE_STATISTICS,
        DELETE_OLD_WEBHOOK_DELIVERIES,
        RUN_TRANSFERS,
        SETTLE_TIERS,
    }
)

# A nudge that nobody took by then has been given again by beat; none can pile up.
LASTS = 30  # seconds

log = structlog.get_logger(__name__)


def enqueue(name: str, **ids: int) -> None:
    """Nudge the workers to do `name` once the present transaction has committed."""
    if name not in NAMES:
        raise LookupError(name)
    transaction.on_commit(lambda: _publish(name, ids))


def is_waiting(name: str) -> bool:
    """Return whether a nudge waits that no worker has taken; True where nobody can tell."""
    try:
        with redis.Redis.from_url(
            settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        ) as broker:
            return bool(broker.llen(queue_of(name)))
    except redis.RedisError:
        return True


def queue_of(name: str) -> str:
    """Return the queue a job travels in: the part of its name before the dot."""
    return name.partition(".")[0]


def _publish(name: str, ids: dict[str, int]) -> None:
    try:
        _publisher().send_task(name, kwargs=ids, queue=queue_of(name), retry=False, expires=LASTS)
    except Exception as problem:  # noqa: BLE001  the broker may fail in any way; sweeps make up for it
        log.warning("nudge lost, a sweep will follow", job=name, problem=str(problem))


@cache
def _publisher() -> Celery:
    """Return a client that can publish and nothing else."""
    publisher = Celery("digest-publisher", broker=settings.DIGEST_BROKER_URL, set_as_current=False)
    publisher.conf.update(settings.DIGEST_BROKER_OPTIONS)
    # A person waits for the page while a nudge is given; workers listen longer.
    publisher.conf.broker_transport_options = {"socket_connect_timeout": 2, "socket_timeout": 2}
    return publisher
