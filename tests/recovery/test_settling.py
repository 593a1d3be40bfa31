"""A log says who has an issue; whoever resumes it sends it to the others only."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.issues.models import Issue
from digest.sending import control, planning, sender, sweeping
from digest.sending.models import Claim, Delivery
from digest.sending.outgoing import message_id
from digest.sending.progress import progress
from tests.cast import LONG_AGO
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture
from tests.sending.claiming import claim_batch
from tests.smtp_server import SmtpServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]


@pytest.mark.parametrize("planned", [False, True])
def test_an_issue_is_sent_to_those_whom_the_log_lacks(
    relay: Callable[..., SmtpServer],
    settings: Settings,
    tmp_path: Path,
    digest: Digest,  # noqa: F811
    *,
    planned: bool,
) -> None:
    """Whether or not the backup had planned it, also where a delivery has a row by then."""
    settings.DIGEST_DATA_DIR = tmp_path
    server = relay()
    now = clock.now()
    issue = make_issue(make_newsletter(), slot=now, built_at=now)
    make_story(issue)
    subscribers = [make_subscriber(issue.newsletter) for _ in range(6)]
    if planned:
        planning.plan_built(now)
    log = tmp_path / "mail.log"
    log.write_text("".join(f"{message_id(issue, row)}\n" for row in subscribers[:4]))
    assert "is not paused" in digest("hold", "settle", issue.pk, "--log", log).err
    control.pause_with_reason(issue, "It may have been sent.")
    values = digest("hold", "settle", issue.pk, "--log", log, "--json").json
    assert values == {"issue": issue.pk, "listed": 4, "recorded": 4}
    assert digest("hold", "settle", issue.pk, "--log", log, "--json").json["recorded"] == 0
    assert server.received == []

    control.resume(Issue.objects.get(pk=issue.pk))
    planning.plan_built(clock.now())
    sender.send_due()
    sweeping.sweep(clock.now())
    assert sorted(server.recipients) == sorted(row.email for row in subscribers[4:])
    issue.refresh_from_db()
    assert issue.state == Issue.State.SENT
    assert progress(issue).sent == 6
    assert not Delivery.objects.exclude(state=Delivery.State.SENT).exists()


def test_what_a_sender_had_claimed_is_settled_too(
    settings: Settings,
    tmp_path: Path,
    digest: Digest,  # noqa: F811
) -> None:
    """The sender is gone, and so is its journal: what the log lacks is uncertain."""
    settings.DIGEST_DATA_DIR = tmp_path
    now = clock.now()
    issue = make_issue(make_newsletter(), slot=now, built_at=now)
    make_story(issue)
    subscribers = [make_subscriber(issue.newsletter) for _ in range(6)]
    planning.plan_built(now)
    issue.refresh_from_db()
    assert len(claim_batch(issue, 6, clock.now(), journal="gone").rows) == 6
    log = tmp_path / "mail.log"
    log.write_text("".join(f"{message_id(issue, row)}\n" for row in subscribers[:4]))
    control.pause_with_reason(issue, "It may have been sent.")
    values = digest("hold", "settle", issue.pk, "--log", log, "--json").json
    assert (values["listed"], values["recorded"]) == (4, 4)
    Claim.objects.update(lease_until=LONG_AGO)
    assert sweeping.sweep(clock.now()).uncertain == 2
    assert progress(issue).sent == 4


def test_errors_say_what_to_do(tmp_path: Path, digest: Digest) -> None:  # noqa: F811
    """An issue or a file that is not there."""
    log = tmp_path / "mail.log"
    assert "There is no issue 4711" in digest("hold", "settle", 4711, "--log", log).err
    issue = make_issue(state="paused")
    assert "cannot be read" in digest("hold", "settle", issue.pk, "--log", log).err
