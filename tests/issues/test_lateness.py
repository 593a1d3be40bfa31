"""An issue is late when it should have begun to go out and waits for nobody."""

from datetime import timedelta

import pytest

from digest.issues.lateness import LateIssue, late_issues
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from tests.cast import NOON, make_issue, make_newsletter, make_schedule

pytestmark = pytest.mark.django_db

SLOT = NOON - timedelta(minutes=10)


@pytest.fixture
def newsletter() -> Newsletter:
    """A newsletter with a slot ten minutes ago."""
    newsletter = make_newsletter()
    make_schedule(
        newsletter,
        cron=f"{SLOT.minute} {SLOT.hour} * * *",
        timezone="UTC",
        time=None,
        days=[],
        since=SLOT - timedelta(days=3),
    )
    return newsletter


def test_a_slot_that_nobody_built_is_late(newsletter: Newsletter) -> None:
    """After five minutes; a slot that is to come is not."""
    assert late_issues(NOON) == [LateIssue(newsletter.slug, SLOT)]
    [earlier] = late_issues(SLOT + timedelta(minutes=4))  # yesterday's, which nobody built either
    assert earlier.due_at == SLOT - timedelta(days=1)


@pytest.mark.parametrize("kind", Issue.Kind)
@pytest.mark.parametrize("state", [Issue.State.DRAFT, Issue.State.SENDING, Issue.State.CANCELLED])
def test_a_slot_with_an_issue_is_not(newsletter: Newsletter, kind: str, state: str) -> None:
    """Whether somebody has to approve it, or has cancelled it."""
    make_issue(newsletter, slot=SLOT, kind=kind, state=state)
    assert late_issues(NOON) == []


def test_a_manual_issue_at_another_time_does_not_hide_a_slot(newsletter: Newsletter) -> None:
    """It is not that slot's."""
    make_issue(newsletter, slot=NOON, kind=Issue.Kind.MANUAL, state=Issue.State.SENT)
    assert len(late_issues(NOON)) == 1


def test_a_newsletter_that_is_off_is_never_late(newsletter: Newsletter) -> None:
    """And neither is one whose schedule is newer than its slot."""
    Newsletter.objects.update(state="paused")
    assert late_issues(NOON) == []


@pytest.mark.parametrize(
    ("fields", "late"),
    [
        ({"slot": SLOT}, True),
        ({"slot": NOON}, False),
        ({"slot": NOON - timedelta(days=1), "send_at": NOON + timedelta(hours=1)}, False),
        ({"slot": NOON + timedelta(days=1), "send_at": SLOT}, True),
        ({"slot": SLOT, "review_until": NOON}, False),
        ({"slot": SLOT, "state": Issue.State.PAUSED}, False),
    ],
)
def test_an_issue_that_nobody_plans_is_late(fields: dict[str, object], *, late: bool) -> None:
    """At its own time, where a person set one."""
    make_issue(make_newsletter(), **fields)
    assert bool(late_issues(NOON)) == late
