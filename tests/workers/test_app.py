"""Every job has its task, and every tick its job."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from billiard import pool

from digest.articles import polling
from digest.articles.isolation.process import PARSER
from digest.core import jobs
from workers.app import app, end_soon
from workers.schedule import SCHEDULE
from workers.task import GRACE, limit


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


AS_WORKER = "from workers.app import signals; signals.worker_init.send(None); "


def test_beat_loads_little_and_a_worker_all_addresses() -> None:
    """Beat sends names alone; processes of a pool share what notices look addresses up in."""
    modules = ["digest.sending.planning", "digest.urls", "premailer", "trafilatura"]
    code = (
        "import sys; from {} import app; app.loader.import_default_modules(); {}"
        "print(*(name in sys.modules for name in sys.argv[1:]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code.format(module, start), *modules],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for module, start in (("workers.beat", ""), ("workers.app", AS_WORKER))
    ]
    assert outputs == [["False"] * 4, ["True"] * 4]


DO_ALL_JOBS = """
import sys
from workers.app import app
app.loader.import_default_modules()
for name in sys.argv[1:]:
    print("job:", name, file=sys.stderr, flush=True)
    app.tasks[name].apply(throw=True)
"""


@pytest.fixture(scope="module")
def lines_without_a_database(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each job says in a process whose database is away, one after another."""
    unreachable = {
        "DIGEST_DATABASE_URL": f"postgresql:///nothing?host={tmp_path_factory.mktemp('unreachable')}",
        "DIGEST_SMTP_URL": "smtp://localhost:9",
    }
    process = subprocess.run(
        [sys.executable, "-c", DO_ALL_JOBS, *sorted(jobs.NAMES)],
        env=os.environ | unreachable,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    before, *sections = process.stderr.split("job: ")
    assert before == ""
    return {name: lines for name, *lines in map(str.splitlines, sections)}


@pytest.mark.parametrize("name", sorted(jobs.NAMES))
def test_a_job_without_a_database_says_so_in_one_line(
    name: str, lines_without_a_database: dict[str, list[str]]
) -> None:
    """It comes every few seconds, so no traceback; and the worker lives on."""
    [line] = lines_without_a_database[name]
    assert "database away" in line
    assert name in line


def test_every_job_has_a_time_limit() -> None:
    """Nothing can hold a worker; and a poll ends before its sources' lease does."""
    app.loader.import_default_modules()
    for name in jobs.NAMES:
        task = app.tasks[name]
        assert (task.soft_time_limit, task.time_limit) == (limit(name), limit(name) + GRACE)
    assert limit(jobs.POLL_SOURCES) + GRACE < polling.LEASE.total_seconds()
    assert limit(jobs.POLL_SOURCES) > polling.BUDGET + 2 * PARSER.limits.wall_seconds


def test_a_child_whose_results_nobody_reads_ends_within_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Billiard waits for half a minute, and a worker that stops waits for its child."""
    waits: list[float] = []
    monkeypatch.setattr(pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT", 300)
    monkeypatch.setattr("billiard.pool.time", SimpleNamespace(sleep=waits.append))
    child = SimpleNamespace(on_ready_counter=SimpleNamespace(value=0))

    end_soon()
    pool.Worker._ensure_messages_consumed(child, completed=1)  # type: ignore[attr-defined]

    assert 1 <= sum(waits) <= 2.01
