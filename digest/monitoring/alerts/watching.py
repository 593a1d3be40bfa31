"""Which alerts begin and end. Any number of processes may watch: each alert is reported once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from digest.core import locks
from digest.core.locks import Purpose
from digest.monitoring.alerts.conditions import current_conditions
from digest.monitoring.models import Alert

PATIENCE = timedelta(minutes=2)  # what is over sooner, such as a restart, is not reported


@dataclass(frozen=True, slots=True)
class News:
    """What is to be reported."""

    begun: list[Alert]
    over: list[Alert]


@transaction.atomic
def take_news(now: datetime) -> News:
    """Compare what is wrong with the open alerts; return what nobody has reported yet."""
    if not locks.try_lock(Purpose.WATCH):
        return News([], [])
    conditions = current_conditions(now)
    alerts = list(Alert.objects.select_for_update().filter(ended_at=None))
    for key in conditions.keys() - {alert.key for alert in alerts}:
        Alert.objects.create(key=key, summary=conditions[key], began_at=now)
    over = [alert for alert in alerts if alert.key not in conditions]
    begun = [
        alert
        for alert in alerts
        if alert.key in conditions
        and alert.notified_at is None
        and now - alert.began_at >= PATIENCE
    ]
    Alert.objects.filter(pk__in=[alert.pk for alert in over]).update(ended_at=now)
    Alert.objects.filter(pk__in=[alert.pk for alert in begun]).update(notified_at=now)
    return News(begun, [alert for alert in over if alert.notified_at])
