"""Workers that are killed while they plan a series: nobody is lost, nobody gets a step twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from digest.newsletters.models import Newsletter
from digest.series import enrolling, planning
from digest.series.models import Passage
from tests.cast import make_subscribers
from tests.cast.series import make_series
from tests.clock import NOON
from tests.concurrency import run_at_once
from tests.series.test_planning import planned_for

pytestmark = pytest.mark.django_db(transaction=True)
SUBSCRIBERS = 1_000
# Small batches, so that a kill falls between and into many of them.
WORKER = """
import django; django.setup()
from datetime import datetime
from digest.series import planning
planning.BATCH = 5
planning.plan_due(datetime.fromisoformat("{now}"))
"""


def start_worker() -> subprocess.Popen[str]:
    """A process that plans what is due."""
    database = make_conninfo(
        os.environ["DIGEST_DATABASE_URL"], dbname=connection.settings_dict["NAME"]
    )
    return subprocess.Popen(
        [sys.executable, "-c", WORKER.format(now=NOON.isoformat())],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"DIGEST_DATABASE_URL": database},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_a_worker() -> None:
    """Start one, and kill it as soon as it has planned for some."""
    planned, until = Passage.objects.count(), time.monotonic() + 30
    with start_worker() as worker:
        while Passage.objects.count() < planned + 20 and time.monotonic() < until:
            assert worker.poll() is None
        worker.send_signal(signal.SIGKILL)
        worker.wait(20)


def test_workers_are_killed_again_and_again(newsletter: Newsletter) -> None:
    """Whatever they were doing: who has a delivery is past the step, and nobody else is."""
    make_subscribers(newsletter, SUBSCRIBERS)
    series = make_series(newsletter, 0, 60)
    enrolling.enrol_existing(series, NOON)
    first = series.steps.earliest("position")
    for _ in range(3):
        kill_a_worker()
        planned = planned_for(series)
        assert planned == set(Passage.objects.values_list("subscriber", flat=True))
        moved = series.enrolments.exclude(next_step=first)
        assert planned == set(moved.values_list("subscriber", flat=True))
    assert 0 < len(planned) < SUBSCRIBERS
    planning.plan_due(NOON)
    assert len(planned_for(series)) == SUBSCRIBERS


def test_two_workers_at_once_plan_everybody_once(newsletter: Newsletter) -> None:
    """They take different rows, or wait for each other."""
    make_subscribers(newsletter, 200)
    series = make_series(newsletter)
    enrolling.enrol_existing(series, NOON)
    mails = run_at_once(lambda: planning.plan_due(NOON), lambda: planning.plan_due(NOON))
    mails.append(planning.plan_due(NOON))
    assert sum(mails) == 200
    assert len(planned_for(series)) == 200
