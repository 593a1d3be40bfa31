"""Which alerts begin and end, and which of it is to be reported now.

    take_news   compare what is wrong with the open alerts; lease what is to be reported
    settle      somebody was reached: it is not reported again

Any number of processes may watch: each alert is reported once. A report that reaches nobody is
repeated, after longer and longer waits; so is that of a process that ended before it was settled.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from digest.core.backoff import Backoff
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.monitoring.alerts.conditions import current_conditions
from digest.monitoring.models import Alert

PATIENCE = timedelta(minutes=2)  # what is over sooner, such as a restart, is not reported
BACKOFF = Backoff.doubling(timedelta(minutes=2), timedelta(hours=1))
RETENTION = timedelta(days=90)  # after its end


@dataclass(frozen=True, slots=True)
class News:
    """What is to be reported."""

    started: list[Alert]
    ended: list[Alert]


@transaction.atomic
def take_news(now: datetime) -> News:
    """Compare what is wrong with the open alerts; return what is to be reported now.

    It is due again after a wait, unless `settle` is called before that.
    """
    if not locks.try_lock(Purpose.WATCH):
        return News([], [])
    _compare(current_conditions(now), now)
    Alert.objects.filter(ended_at__lt=now - RETENTION, report_at=None).delete()
    due = list(Alert.objects.select_for_update().filter(report_at__lte=now).order_by("pk"))
    for alert in due:
        alert.failures += 1
        alert.report_at = now + BACKOFF.wait(alert.failures)
    Alert.objects.bulk_update(due, ["failures", "report_at"])
    return News(
        started=[alert for alert in due if alert.ended_at is None],
        ended=[alert for alert in due if alert.ended_at is not None],
    )


@transaction.atomic
def settle(news: News, now: datetime) -> None:
    """Record that somebody was reached. What ended while it was reported still has its end due."""
    started = Alert.objects.filter(pk__in=[alert.pk for alert in news.started])
    started.update(notified_at=now, failures=0)
    started.filter(ended_at=None).update(report_at=None)
    ended = Alert.objects.filter(pk__in=[alert.pk for alert in news.ended])
    ended.update(report_at=None, failures=0)


def _compare(conditions: dict[str, str], now: datetime) -> None:
    """Open alerts for what is wrong, and end those for what is not wrong any more.

    An end is reported if its beginning was, or should have been and reached nobody.
    """
    alerts = list(Alert.objects.select_for_update().filter(ended_at=None))
    for key in conditions.keys() - {alert.key for alert in alerts}:
        Alert.objects.create(
            key=key, summary=conditions[key], began_at=now, report_at=now + PATIENCE
        )
    ended = Alert.objects.filter(
        pk__in=[alert.pk for alert in alerts if alert.key not in conditions]
    )
    was_due = Q(notified_at__isnull=False) | Q(failures__gt=0)
    ended.filter(was_due).update(report_at=now)
    ended.exclude(was_due).update(report_at=None)
    ended.update(ended_at=now, failures=0)
