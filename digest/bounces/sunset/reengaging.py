"""Inactive subscribers go through a series before they are asked, where their newsletter has one.

Who shows a sign of life leaves the series. Who has been through it and is still silent a week later
is asked whether they want to stay, like everybody where there is no such series.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from digest.bounces.sunset.signs import has_sign_since
from digest.core import jobs
from digest.newsletters.models import Newsletter
from digest.series import enrolling
from digest.series.models import Enrolment, Series
from digest.subscribers.models import Subscription

BATCH = 500  # who enter in one run
PATIENCE = timedelta(days=7)  # after the series


def newsletters_with_series() -> QuerySet[Series, int]:
    """Return the ids of the newsletters whose inactive subscribers go through a series."""
    return _active().values_list("newsletter", flat=True)


def after_series(
    newsletter: Newsletter, rows: QuerySet[Subscription], now: datetime
) -> QuerySet[Subscription]:
    """Let inactive subscriptions enter the newsletter's series; return those that were through it.

    Without such a series these are all.
    """
    series = _active().filter(newsletter=newsletter).first()
    if series is None:
        return rows
    enrolments = Enrolment.objects.filter(series=series, subscriber=OuterRef("subscriber"))
    outside = rows.exclude(Exists(enrolments)).order_by("pk")
    if enrolling.enrol(series, list(outside.values_list("subscriber", flat=True)[:BATCH]), now):
        jobs.enqueue(jobs.PLAN_SERIES)
    ended = Q(ended_at__lte=now - PATIENCE)
    return rows.filter(Exists(enrolments.filter(ended)))


def shown_since_entering() -> list[Exists]:
    """Return conditions on enrolments: their subscriber has shown a sign since they entered."""
    return has_sign_since(OuterRef("entered_at"))


def _active() -> QuerySet[Series]:
    return Series.objects.filter(active=True, trigger=Series.Trigger.INACTIVE).order_by("pk")
