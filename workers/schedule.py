"""What beat says, and how often. Each tick expires before the next, so none can pile up."""

from typing import Any

from django.conf import settings

from digest.core import jobs

EVERY = dict.fromkeys(jobs.NAMES, settings.DIGEST_TICK_SECONDS) | {
    jobs.POLL_SOURCES: 30,
    jobs.ASK_CONNECTIONS: 300,
    jobs.ARCHIVE_DELIVERIES: 600,
    jobs.COMPACT_GROWTH: 600,
    jobs.COUNT_RESULTS: 300,
    jobs.COLLECT_PAGE_VIEWS: 60,
    jobs.REFRESH_POPULARITY: 30 * settings.DIGEST_TICK_SECONDS,
    jobs.POLL_MAILBOXES: 30,
    jobs.JUDGE_HITS: 15,
    jobs.DECIDE_EXPERIMENTS: 30,
    jobs.ASK_PROVIDERS: 300,
    jobs.ASK_INACTIVE: 1800,
    jobs.ASK_SERVICES: 300,
    jobs.LOOK_UP_NAMES: 300,
    jobs.DELETE_OLD_HITS: 600,
    jobs.DELETE_OLD_NOTICES: 600,
    jobs.NOTIFY_NEWSROOM: 60,
    jobs.QUEUE_STATISTICS: 300,
    jobs.DELETE_OLD_WEBHOOK_DELIVERIES: 600,
    jobs.RUN_TRANSFERS: 30,
}

SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in EVERY.items()
}
