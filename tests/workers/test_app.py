"""Every job has its task, and every tick its job."""

from digest.core import jobs
from workers.app import app
from workers.schedule import SCHEDULE


def test_every_name_is_registered() -> None:
    """What anyone may enqueue, a worker can do."""
    app.loader.import_default_modules()
    assert app.tasks.keys() >= jobs.NAMES


def test_every_tick_names_a_job_and_expires_before_the_next() -> None:
    """So no backlog can pile up while workers are away."""
    assert {entry["task"] for entry in SCHEDULE.values()} == jobs.NAMES
    assert all(entry["options"]["expires"] <= entry["schedule"] for entry in SCHEDULE.values())


def test_every_job_travels_in_a_queue_that_workers_read() -> None:
    """No task goes where nobody looks."""
    queues = {queue.name for queue in app.conf.task_queues}
    assert {jobs.queue_of(name) for name in jobs.NAMES} == queues
