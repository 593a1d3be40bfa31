"""Switching on and off, and what has to be confirmed before."""

from datetime import timedelta

import pytest

from digest.core import clock
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication, Tracking
from digest.notices.models import Notice
from digest.recovery import releasing
from digest.selfservice import confirmation
from digest.selfservice.data_export import export_subscriber
from digest.series import editing, enrolling, planning, restoring, switching
from digest.series.errors import ManyMailsError, SeriesError
from digest.series.models import Enrolment, Outcome, Passage
from digest.subscribers.models import ConsentEvent
from digest.webhooks import registry
from digest.webhooks.models import WebhookDelivery
from digest.webhooks.payloads import payload_of
from tests.cast.series import make_editor, make_series, sign_up, steps_of
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.series.test_planning import DAY, leave

pytestmark = pytest.mark.django_db


def test_existing_subscribers_are_mailed_only_if_the_number_is_confirmed(
    newsletter: Newsletter,
) -> None:
    """Too small a number is refused with the right one; nothing has changed then."""
    series = make_series(newsletter, active=False)
    for _ in range(3):
        make_subscriber(newsletter)
    assert switching.forecast(series, NOON, existing=True).mails == 3
    for agreed in (None, 2):
        with pytest.raises(ManyMailsError, match="3 mails at once"):
            switching.switch_on(series, NOON, agreed=agreed, existing=True)
    series.refresh_from_db()
    assert not series.active
    switching.switch_on(series, NOON, agreed=3, existing=True)
    assert planning.plan_due(NOON) == 3


def test_without_them_nobody_is_mailed(newsletter: Newsletter) -> None:
    """The usual way needs no number."""
    make_subscriber(newsletter)
    series = make_series(newsletter)
    assert series.active
    assert planning.plan_due(NOON) == 0


def test_a_series_that_cannot_run_is_not_switched_on(newsletter: Newsletter) -> None:
    """Without a mail, or with a condition about clicks that nobody counts."""
    series = editing.create(newsletter, "Welcome", "sign_up", make_editor(), NOON)
    with pytest.raises(SeriesError, match="no mail yet"):
        switching.switch_on(series, NOON)
    other = make_series(newsletter, active=False)
    other.steps.update(condition="clicked")
    with pytest.raises(SeriesError, match="Click tracking"):
        switching.switch_on(other, NOON)
    Publication.objects.update(tracking=Tracking.INDIVIDUAL)
    switching.switch_on(editing.find(other.pk), NOON)


def test_a_welcome_mail_takes_the_place_of_the_notice(newsletter: Newsletter) -> None:
    """Where a series sends its first mail at once; who comes back gets the notice."""
    make_series(newsletter)
    nadia = sign_up(newsletter, confirmed=False)
    assert confirm(nadia.pk, newsletter) == 0
    assert Enrolment.objects.count() == 1
    leave(nadia, newsletter)
    assert confirm(nadia.pk, newsletter) == 1


@pytest.mark.parametrize("state", ["announced", "paused"])
def test_who_joins_before_a_newsletter_is_sent_gets_the_notice(
    newsletter: Newsletter, state: str
) -> None:
    """Which says so; the series begins when the newsletter does."""
    series = make_series(newsletter)
    Newsletter.objects.update(state=state)
    nadia = sign_up(newsletter, confirmed=False)
    assert confirm(nadia.pk, newsletter) == 1
    assert planning.plan_due(clock.now()) == 0
    Newsletter.objects.update(state="live")
    assert planning.plan_due(clock.now()) == 1
    assert series.enrolments.get().state == "completed"


def confirm(subscriber: int, newsletter: Newsletter) -> int:
    """Confirm by a link; return how many welcomes are queued."""
    now = clock.now()
    link = confirmation.ConfirmationLink(subscriber, (newsletter.pk,), now, expired=False)
    confirmation.confirm(link, ip=None, now=now)
    return Notice.objects.filter(kind=Notice.Kind.WELCOME).count()


def test_after_a_restore_what_may_have_been_sent_is_left_out(newsletter: Newsletter) -> None:
    """Whoever waits goes on to the next step, with its delay."""
    series = make_series(newsletter, 0, DAY)
    nadia = sign_up(newsletter)
    now = clock.now()
    hold = holds.begin(Hold.Reason.RESTORED, now)
    later = sign_up(newsletter, now=clock.now())
    reviewed = releasing.release(hold, clock.now())
    assert reviewed.steps == 1
    assert "1 mail of series left out" in reviewed.summary
    assert Passage.objects.get().outcome == Outcome.SET_ASIDE
    assert series.enrolments.get(subscriber=nadia).next_step == steps_of(series)[1]
    assert restoring.due_enrolments(now).count() == 0
    versions = Issue.objects.filter(kind=Issue.Kind.SERIES)
    assert set(versions.values_list("state", flat=True)) == {"paused"}  # a person resumes them
    assert series.enrolments.get(subscriber=later).next_step == steps_of(series)[0]


def test_after_a_restore_no_step_of_the_lost_days_is_sent(newsletter: Newsletter) -> None:
    """Each that may have been sent before the hold is left out; the first that cannot goes on."""
    series = make_series(newsletter, 0, DAY, DAY, 9 * DAY)
    now = clock.now()
    early = sign_up(newsletter, now=now - timedelta(days=5))
    late = sign_up(newsletter, now=now - timedelta(hours=36))
    reviewed = releasing.release(holds.begin(Hold.Reason.RESTORED, now), now)
    assert "5 mails of series left out" in reviewed.summary
    steps = steps_of(series)
    for subscriber, next_step in ((early, steps[3]), (late, steps[2])):
        enrolment = series.enrolments.get(subscriber=subscriber)
        assert (enrolment.next_step, enrolment.since) == (next_step, now)
        assert enrolment.due_at == now + timedelta(minutes=next_step.delay_minutes)
    outcomes = Passage.objects.values_list("step__position", "outcome").order_by("pk")
    assert [position for position, _ in outcomes] == [0, 0, 1, 1, 2]
    assert {outcome for _, outcome in outcomes} == {Outcome.SET_ASIDE}


def test_somebody_can_be_taken_out(newsletter: Newsletter) -> None:
    """They get no more of it, and do not enter it again."""
    series = make_series(newsletter)
    nadia = sign_up(newsletter)
    enrolling.remove(series, nadia, NOON)
    with pytest.raises(SeriesError, match="not in this series"):
        enrolling.remove(series, nadia, NOON)
    assert enrolling.enrol(series, [nadia.pk], NOON) == 0
    assert planning.plan_due(NOON) == 0


def test_webhooks_report_who_enters_and_who_is_through(newsletter: Newsletter) -> None:
    """With the series, and how it ended."""
    webhook, _ = registry.add(
        "crm", "https://crm.example/", ["series.entered", "series.ended"], now=NOON
    )
    make_series(newsletter)
    sign_up(newsletter)
    planning.plan_due(NOON)
    rows = list(WebhookDelivery.objects.filter(webhook=webhook).order_by("pk"))
    assert [row.event for row in rows] == ["series.entered", "series.ended"]
    assert b'"state":"completed"' in payload_of(rows[1])
    assert b'"email":"nadia' in payload_of(rows[0])


def test_the_data_export_shows_the_series(newsletter: Newsletter) -> None:
    """What a subscriber was in, and which steps they had."""
    make_series(newsletter)
    nadia = sign_up(newsletter)
    planning.plan_due(NOON)
    (row,) = export_subscriber(nadia)["series"]
    assert row["newsletter"] == newsletter.slug
    assert [step["subject"] for step in row["steps"]] == ["Mail 1"]


def test_many_enter_with_one_statement(newsletter: Newsletter) -> None:
    """Consent events that are added together; each subscriber once."""
    series = make_series(newsletter, includes_imported=True)
    subscribers = [make_subscriber(newsletter) for _ in range(3)]
    ConsentEvent.objects.bulk_create(
        ConsentEvent(
            subscriber=row, newsletter=newsletter, action="imported", at=NOON, via="import"
        )
        for row in [*subscribers, subscribers[0]]
    )
    assert series.enrolments.count() == 3
    assert planning.plan_due(NOON + timedelta(minutes=1)) == 3
