"""Counts and previews of subscribers: exact where that is quick, else about; never without end."""

import pytest
from django.db import connection
from django.db.models import CharField, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast

from digest.core.database.limits import within, without_nested_loops
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import counting
from tests.cast.subscribers import make_subscribers

pytestmark = pytest.mark.django_db


def test_a_count_that_takes_too_long_is_about(tide: Newsletter) -> None:
    """It is near the truth, says that it is not exact, and a rare match is a limit."""
    make_subscribers(tide, 12_000)
    every_other = Subscriber.objects.annotate(half=F("pk") % 2).filter(half=0)
    assert counting.count(every_other) == counting.Count(6_000)
    estimate = counting.estimate(every_other)
    assert not estimate.is_exact
    assert abs(estimate.number - 6_000) <= 400
    assert str(estimate).startswith("about ")
    rare = counting.estimate(Subscriber.objects.filter(email="subscriber1@reader.example"))
    assert str(rare) == "fewer than 30"
    assert within(50, slow_subscribers().count) is None
    assert within(5_000, every_other.count) == 6_000


def slow_subscribers() -> QuerySet[Subscriber]:
    """Return all subscribers, one a second."""
    asleep = Cast(Func(Value(1), function="pg_sleep", output_field=CharField()), TextField())
    return Subscriber.objects.annotate(rest=asleep).filter(rest="")


def test_a_sample_that_takes_too_long_has_a_limit_too(
    tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the optimizer makes of it: then only the most that there can be is said."""
    make_subscribers(tide, 5_000)
    monkeypatch.setattr(counting, "SAMPLE_PATIENCE", 50)
    assert str(counting.estimate(slow_subscribers())) == "fewer than 5,000"
    assert counting.preview(slow_subscribers()) == []


def test_statements_may_do_without_nested_loops(tide: Newsletter) -> None:
    """The optimizer chooses them for tables that it believes to be empty."""

    def setting() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW enable_nestloop")
            return str(cursor.fetchone()[0])

    assert without_nested_loops(setting) == "off"
    assert setting() == "on"
