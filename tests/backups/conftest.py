"""A machine with an installation, its loss, and another machine."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.backups import age
from digest.core import clock, jobs
from digest.issues.models import Issue
from tests import emptying
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.smtp_server import SmtpServer
from workers.app import app

PASSPHRASE = "correct horse battery"
SENDING = (jobs.BUILD_ISSUES, jobs.PLAN_ISSUES, jobs.SEND_DELIVERIES, jobs.SEND_NOTICES)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scrypt take milliseconds."""
    monkeypatch.setattr(age, "WORK_FACTOR", 8)


@pytest.fixture(autouse=True)
def data(settings: Settings, tmp_path: Path) -> Path:
    """A data folder of this test's own, and one for its pictures."""
    move_to(settings, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def server(relay: Callable[..., SmtpServer]) -> SmtpServer:
    """Return the mail server."""
    return relay()


def move_to(settings: Settings, folder: Path) -> None:
    """Use another data folder, as on another machine."""
    folder.mkdir()
    settings.DIGEST_DATA_DIR = folder
    options = {"location": str(folder / "pictures"), "allow_overwrite": True}
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "pictures": {"BACKEND": backend, "OPTIONS": options},
    }


def run_jobs(times: int = 2) -> None:
    """Do what beat asks for."""
    app.loader.import_default_modules()
    for _ in range(times):
        for name in (jobs.BEAT, *SENDING, jobs.SWEEP_DELIVERIES):
            app.tasks[name].apply(throw=True)


def lose_everything(settings: Settings, tmp_path: Path) -> None:
    """Empty the database, and leave the data folder behind."""
    assert emptying.empty()
    move_to(settings, tmp_path / "other machine")


def make_due_issue(subscribers: int) -> Issue:
    """Make an issue that is due, with its subscribers."""
    now = clock.now()
    issue = make_issue(make_newsletter(review_minutes=0), slot=now, built_at=now)
    make_story(issue)
    for _ in range(subscribers):
        make_subscriber(issue.newsletter)
    return issue
