"""What beat says, and how often. Each tick expires before the next, so none can pile up."""

from typing import Any

from digest.core import jobs

EVERY = {  # seconds
    jobs.POLL_SOURCES: 30,
    jobs.BUILD_EDITIONS: 10,
    jobs.PLAN_EDITIONS: 10,
    jobs.SEND_DELIVERIES: 10,
    jobs.SWEEP_DELIVERIES: 10,
}

SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in EVERY.items()
}
