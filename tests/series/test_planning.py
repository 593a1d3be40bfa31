"""Steps that are due: who gets them, who goes on, who is out."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet

from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.selfservice import erasure
from digest.sending import ledger, sender, sweeping
from digest.sending.compiling import compiled_for
from digest.sending.models import AnyDelivery
from digest.sending.segmentation import segmentation_of
from digest.series import editing, planning, switching, versions
from digest.series.errors import ManyMailsError
from digest.series.models import Enrolment, Passage, Series, Step
from digest.series.numbers import numbers_in
from digest.subscribers import attributes, consent, profiles, suppression
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.segments import saving
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_schedule
from tests.cast.series import make_editor, make_series, sign_up, steps_of
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.sending.test_choices import mails
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
StartRelay = Callable[..., SmtpServer]
DAY, MINUTE = 24 * 60, timedelta(minutes=1)
State = Enrolment.State


def planned_for(series: Series, number: int = 1) -> set[int]:
    """The subscribers with a delivery of a step, in any of its versions."""
    issues = Issue.objects.filter(version_of__step=steps_of(series)[number - 1])
    rows = AnyDelivery.objects.filter(issue__in=issues, waiting=False)
    ids = list(rows.values_list("subscriber", flat=True))
    for chunk in chunks_of(issues):
        ids += chunk
    assert len(ids) == len(set(ids))
    return set(ids)


def version_of(step: Step) -> Issue:
    """The version that is sent now."""
    assert step.version
    return step.version


def chunks_of(issues: QuerySet[Issue]) -> list[list[int]]:
    """The subscribers in chunks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subscriber_ids FROM sending_chunk WHERE issue_id = ANY(%s)",
            [list(issues.values_list("pk", flat=True))],
        )
        return [[key for key in ids if key is not None] for (ids,) in cursor.fetchall()]


def state_of(series: Series, subscriber: Subscriber) -> str:
    """How it stands with somebody."""
    return series.enrolments.get(subscriber=subscriber).state


def test_a_sign_up_gets_the_welcome_and_then_each_step(newsletter: Newsletter) -> None:
    """Each when its delay is over, none twice, and then the series is complete."""
    series = make_series(newsletter, 0, 2 * DAY)
    nadia = sign_up(newsletter)
    assert planning.plan_due(NOON) == 1
    assert planning.plan_due(NOON) == 0
    assert (planned_for(series, 1), planned_for(series, 2)) == ({nadia.pk}, set())
    assert planning.plan_due(NOON + timedelta(days=2) - MINUTE) == 0
    assert planning.plan_due(NOON + timedelta(days=2)) == 1
    assert planned_for(series, 2) == {nadia.pk}
    assert state_of(series, nadia) == State.COMPLETED
    assert planning.plan_due(NOON + timedelta(days=90)) == 0


def test_the_mail_arrives_with_its_links(newsletter: Newsletter, relay: StartRelay) -> None:
    """As an issue does: one-click unsubscription, a bounce address, text and HTML."""
    make_series(newsletter)
    nadia = sign_up(newsletter, "nadia@reader.example")
    server = relay()
    assert planning.plan_due(clock.now()) == 1
    sender.send_due()
    mail = mails(server)[nadia.email]
    assert mail["Subject"] == "Mail 1"
    assert mail["To"] == nadia.email
    assert "List-Unsubscribe=One-Click" in mail["List-Unsubscribe-Post"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Thank you for signing up" in body.get_content()
    assert "2026" not in body.get_content().split("Thank you")[0]  # no date: it stands for weeks
    progress = numbers_in(Series.objects.get())
    assert progress.steps[0].numbers.sent == 1


def test_only_who_confirms_enters(newsletter: Newsletter) -> None:
    """Not who subscribed before, who only asked, or who was imported, unless that is wanted."""
    make_subscriber(newsletter)
    series = make_series(newsletter)
    sign_up(newsletter, confirmed=False)
    imported(newsletter)
    assert series.enrolments.count() == 0
    Series.objects.update(includes_imported=True)
    ines = imported(newsletter)
    assert [row.subscriber for row in series.enrolments.all()] == [ines]


def imported(newsletter: Newsletter) -> Subscriber:
    """Somebody of a list."""
    subscriber = make_subscriber(newsletter)
    subscriber.consent_events.create(
        newsletter=newsletter, action="imported", at=NOON, via="import"
    )
    return subscriber


def test_who_comes_back_is_not_welcomed_again(newsletter: Newsletter) -> None:
    """They have had it; leaving ended the series for them."""
    series = make_series(newsletter, 0, DAY)
    nadia = sign_up(newsletter)
    planning.plan_due(NOON)
    leave(nadia, newsletter)
    assert state_of(series, nadia) == State.LEFT
    consent.resubscribe(nadia.pk, newsletter.pk, via="page", ip=None, now=NOON)
    assert planning.plan_due(NOON + timedelta(days=3)) == 0
    assert planned_for(series, 2) == set()


def leave(subscriber: Subscriber, newsletter: Newsletter) -> None:
    """Unsubscribe."""
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="page", ip=None, now=NOON)


def test_who_may_not_be_mailed_is_out_and_who_paused_waits(newsletter: Newsletter) -> None:
    """Suppressed, erased, paused: by the one rule of who may be mailed."""
    series = make_series(newsletter)
    paused, suppressed, erased, nadia = (sign_up(newsletter) for _ in range(4))
    until = NOON + timedelta(days=9)
    Subscription.objects.filter(subscriber=paused).update(paused_until=until)
    suppression.suppress(suppressed.address_key, reason="hard bounce", now=NOON)
    erasure.erase(erased.pk, NOON)
    assert planning.plan_due(NOON) == 1
    assert planned_for(series) == {nadia.pk}
    assert state_of(series, suppressed) == State.LEFT
    assert series.enrolments.get(subscriber=paused).due_at == until
    assert series.enrolments.count() == 3
    assert planning.plan_due(until) == 1


def test_who_leaves_after_planning_gets_no_mail(newsletter: Newsletter, relay: StartRelay) -> None:
    """The ledger looks again when it claims."""
    make_series(newsletter)
    nadia = sign_up(newsletter)
    planning.plan_due(clock.now())
    leave(nadia, newsletter)
    server = relay()
    sender.send_due()
    assert server.received == []


def test_a_condition_leaves_a_step_out_or_ends_the_series(newsletter: Newsletter) -> None:
    """Who does not have the tag goes on, or is out, as the step says."""
    series = make_series(newsletter, 0, 0, 0)
    _, second, third = steps_of(series)
    set_condition(second, "tag", "vip")
    set_condition(third, "not_tag", "press", otherwise="stop")
    vip, plain, press = (sign_up(newsletter) for _ in range(3))
    profiles.add_tag("vip", newsletter.publication_id, [vip.pk])
    profiles.add_tag("press", newsletter.publication_id, [press.pk])
    for _ in range(3):
        planning.plan_due(NOON)
    assert planned_for(series, 1) == {vip.pk, plain.pk, press.pk}
    assert planned_for(series, 2) == {vip.pk}
    assert planned_for(series, 3) == {vip.pk, plain.pk}
    assert state_of(series, press) == State.STOPPED
    assert numbers_in(series).steps[1].skipped == 2


def set_condition(step: Step, condition: str, tag: str, otherwise: str = "skip") -> None:
    """Let a step be for some."""
    step.condition, step.tag, step.otherwise = condition, tag, otherwise
    step.save()


def test_hours_are_those_of_each_subscriber(newsletter: Newsletter) -> None:
    """A step with a delay waits for them; one without goes out at any hour."""
    series = make_series(newsletter, 0, DAY, hour_from=8, hour_until=10)
    far, near = sign_up(newsletter), sign_up(newsletter)
    Subscriber.objects.filter(pk=far.pk).update(timezone="Pacific/Auckland")
    assert planning.plan_due(NOON) == 2
    later = NOON + timedelta(days=1)
    assert planning.plan_due(later) == 0
    assert planning.plan_due(later + timedelta(hours=7)) == 1  # 8:00 in Auckland
    assert planned_for(series, 2) == {far.pk}
    assert planning.plan_due(later + timedelta(hours=20)) == 1
    assert planned_for(series, 2) == {far.pk, near.pk}


def test_a_step_waits_for_a_day_without_an_issue(newsletter: Newsletter) -> None:
    """The newsletter goes out on Mondays and Tuesdays, and an issue was made for Wednesday."""
    make_schedule(newsletter, days=[0, 1])
    make_issue(newsletter, slot=NOON - timedelta(hours=5), state="sent")
    make_issue(newsletter, slot=NOON + timedelta(days=2))
    make_issue(newsletter, slot=NOON + timedelta(days=3), state="skipped", reason="No news.")
    series = make_series(newsletter, 0, 1, avoids_issues=True)
    nadia = sign_up(newsletter)
    assert planning.plan_due(NOON) == 1
    assert planning.plan_due(NOON + MINUTE) == 0
    due_at = series.enrolments.get(subscriber=nadia).due_at
    assert due_at == NOON.replace(day=26, hour=0)
    assert planning.plan_due(due_at) == 1


def test_daily_issues_do_not_hold_up_a_series(newsletter: Newsletter) -> None:
    """Where there is no free day, the step goes out."""
    make_schedule(newsletter)
    make_series(newsletter, 0, 1, avoids_issues=True)
    sign_up(newsletter)
    planning.plan_due(NOON)
    assert planning.plan_due(NOON + MINUTE) == 1


def test_the_welcome_shows_the_latest_issue(newsletter: Newsletter) -> None:
    """A newer issue makes a new version; the older one is finished once nothing of it is due."""
    first = sent_issue(newsletter, "Seals return")
    series = make_series(newsletter)
    step = steps_of(series)[0]
    editing.change_step(step, make_editor(), stories="latest")
    versions.publish(step, NOON)
    old = version_of(step)
    assert "Seals return" in compiled_for(old).html()
    sent_issue(newsletter, "Dredging begins", slot=NOON + timedelta(days=1))
    sign_up(newsletter)
    assert planning.plan_due(NOON) == 1
    step.refresh_from_db()
    version = version_of(step)
    assert version != old
    html = compiled_for(version).html()
    assert ("Dredging begins" in html, "Seals return" in html) == (True, False)
    assert first.stories.count() == 1
    sweeping.sweep(NOON)
    old.refresh_from_db()
    version.refresh_from_db()
    assert (old.state, version.state) == ("sent", "sending")
    assert not step.has_changes  # what was published stays published


def sent_issue(newsletter: Newsletter, title: str, **fields: object) -> Issue:
    """An issue that everybody got."""
    issue = make_issue(newsletter, state="sent", planned_at=NOON, finished_at=NOON, **fields)
    make_story(issue, title=title)
    return issue


def test_changes_reach_nobody_before_they_are_published(newsletter: Newsletter) -> None:
    """And a version stands for a month at most."""
    series = make_series(newsletter)
    (step,) = steps_of(series)
    before = step.version
    step.draft.own_subject = "Not ready"
    step.draft.make_next_revision()
    step.draft.save()
    assert steps_of(series)[0].has_changes
    assert versions.current(step, NOON + timedelta(days=29)) == before
    renewed = versions.current(step, NOON + timedelta(days=31))
    assert renewed is not None
    assert renewed != before
    assert compiled_for(renewed).subject == "Mail 1"
    versions.publish(step, NOON)
    assert compiled_for(version_of(steps_of(series)[0])).subject == "Not ready"


def test_mails_of_a_series_are_for_every_cadence_and_topic(newsletter: Newsletter) -> None:
    """Who reads weekly, or about other topics, is welcomed too."""
    series = make_series(newsletter)
    nadia = sign_up(newsletter)
    Subscription.objects.filter(subscriber=nadia).update(cadence="weekly", topics=["Harbour"])
    newsletter.cadences = ["weekly"]
    newsletter.save()
    planning.plan_due(NOON)
    version = steps_of(series)[0].version
    assert version is not None
    audience = segmentation_of(version, compiled_for(version)).audience
    batch = ledger.claim(version, 10, clock.now(), audience)
    assert [row.subscriber_id for row in batch.rows] == [nadia.pk]


def test_a_series_that_is_off_sends_nothing_and_goes_on_later(
    newsletter: Newsletter, relay: StartRelay
) -> None:
    """What was planned waits; who confirms meanwhile does not enter."""
    series = make_series(newsletter)
    sign_up(newsletter)
    planning.plan_due(clock.now())
    switching.switch_off(series, NOON)
    server = relay()
    sender.send_due()
    assert server.received == []
    sign_up(newsletter)
    assert series.enrolments.count() == 1
    with pytest.raises(ManyMailsError, match="1 mail at once"):
        switching.switch_on(series, NOON)
    switching.switch_on(series, NOON, agreed=1)
    sender.send_due()
    assert len(server.received) == 1


def test_a_step_that_cannot_be_planned_hinders_no_other(newsletter: Newsletter) -> None:
    """A condition about a segment whose field is gone waits, another series goes on."""
    attributes.define(newsletter.publication, label="City", kind="text", now=NOON)
    rules = {"rules": [{"field": "attribute.city", "operator": "is_set"}]}
    segment = saving.create(newsletter.publication, "With a city", rules, NOON)
    broken, sound = make_series(newsletter), make_series(newsletter)
    broken.steps.update(condition="segment", segment=segment)
    newsletter.publication.attributes.all().delete()
    sign_up(newsletter)
    assert planning.plan_due(NOON) == 1
    assert len(planned_for(sound)) == 1
    assert broken.enrolments.get().state == State.ACTIVE


def test_nobody_passes_a_step_twice(newsletter: Newsletter) -> None:
    """Also where somebody waits once more for what they have had: they only go on."""
    series = make_series(newsletter, 0, DAY)
    nadia = sign_up(newsletter)
    planning.plan_due(NOON)
    first, second = steps_of(series)
    series.enrolments.update(next_step=first, due_at=NOON)
    assert planning.plan_due(NOON) == 0
    assert planned_for(series) == {nadia.pk}
    assert series.enrolments.get().next_step == second
    assert Passage.objects.count() == 1
