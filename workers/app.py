"""The Celery app: `celery -A workers.app worker`, and `beat`."""

import gc
import os
import signal
from functools import partial
from importlib import import_module
from typing import Any

import django
from billiard import pool
from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections
from kombu import Exchange, Queue

from digest.loading import modules_that_stay

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
# Django's checks of our code: they take a second, and the tests run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
with modules_that_stay():
    django.setup(set_prefix=False)

from digest import alive
from digest.core import jobs  # Django must be ready first
from digest.core.telemetry import BUFFER
from digest.core.telemetry.reporting import Reporter
from workers.schedule import SCHEDULE

QUEUES = sorted({jobs.queue_of(name) for name in jobs.NAMES})

app = Celery("digest", broker=settings.DIGEST_BROKER_URL)
app.conf.update(settings.DIGEST_BROKER_OPTIONS)
app.conf.update(
    imports=[f"workers.tasks.{queue}" for queue in QUEUES],
    task_queues=[Queue(queue, Exchange(queue), routing_key=queue) for queue in QUEUES],
    task_default_queue=QUEUES[0],
    task_routes={name: {"queue": jobs.queue_of(name)} for name in jobs.NAMES},
    # A nudge is worth nothing once it is old, and nothing to keep while a worker is busy.
    worker_prefetch_multiplier=1,
    # Subscribers wait, so a broker that comes back is found within seconds, however long it was
    # away.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_retry=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    beat_schedule=SCHEDULE,
    beat_scheduler="workers.beat:TickingScheduler",
    beat_max_loop_interval=5,
    timezone="UTC",
    enable_utc=True,
)


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Django has set logging up; that Celery is told so is all that is needed."""


@signals.worker_init.connect
def _load_addresses(**_: object) -> None:
    """Load what notices look addresses of pages up in, once for all processes of the pool."""
    import_module(settings.ROOT_URLCONF)


@signals.worker_init.connect
@signals.beat_init.connect
def _keep_modules(**_: object) -> None:
    """Never look for garbage among the tasks' modules; processes that are forked share them."""
    gc.freeze()


@signals.worker_ready.connect
def _report_worker(**_: object) -> None:
    _report("worker")
    alive.notify("READY=1")  # its pool has started, and it takes tasks


@signals.worker_shutting_down.connect
def _report_end(**_: object) -> None:
    alive.notify("STOPPING=1")


@signals.beat_init.connect
def _report_beat(**_: object) -> None:
    _report("beat")
    alive.notify("READY=1")


@signals.worker_process_init.connect
def _report_pool_process(**_: object) -> None:
    BUFFER.forget()
    _report("pool process")


def _report(process: str) -> None:
    """Report for as long as the process lives."""
    reporter = Reporter(process)
    for ending in (signals.worker_process_shutdown, signals.worker_shutdown):
        ending.connect(partial(_stop, reporter), weak=False)
    reporter.start()


def _stop(reporter: Reporter, **_: Any) -> None:
    reporter.stop()


@signals.heartbeat_sent.connect
def _tick(**_: object) -> None:
    """Let the machine know, every two seconds, that the worker's loop turns and has its broker."""
    alive.tick("worker")


@signals.worker_process_init.connect
def _leave_stopping_to_the_worker(**_: object) -> None:
    """Finish the task at a SIGTERM to the whole group (systemd, `digest up`): the worker waits.

    A handler rather than SIG_IGN, which programs that a task starts would inherit. The pool sets
    its own after this signal, so ours follows with the first task.
    """

    def ignore_sigterm(**_: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)

    signals.task_prerun.connect(ignore_sigterm, weak=False)


@signals.worker_process_init.connect
def end_soon(**_: object) -> None:
    """Let a child of the pool wait two seconds at its end, not thirty, for its result to be read.

    A worker that stops no longer reads the result of a task that it had handed over and that no
    child had accepted. Nothing is lost: what a task did is in the database.
    """
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 20  # waits of a tenth of a second


@signals.task_prerun.connect
@signals.task_postrun.connect
def _drop_broken_connections(**_: object) -> None:
    close_old_connections()
