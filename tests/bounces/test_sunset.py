"""Inactive subscribers: who is asked, who is paused, who stays."""

import re

import pytest
from django.test import Client

from digest.analytics.models import Verdict
from digest.bounces import reports
from digest.bounces.models import Sunset, SunsetQuestion
from digest.bounces.sunset import asking, signs
from digest.core import clock
from digest.newsletters.models import Newsletter, Publication, Tracking
from digest.notices import content
from digest.notices.models import Notice
from digest.subscribers import preferences
from digest.subscribers.models import Subscription
from tests.bounces import shapes
from tests.bounces.factories import DAY, message_id
from tests.bounces.inactivity import LONG_AGO, click, make_old
from tests.cast.accounts import make_superuser

pytestmark = [pytest.mark.django_db, pytest.mark.publication(tracking="individual")]


@pytest.fixture
def sunset(newsletter: Newsletter) -> Sunset:
    """Five issues in two months."""
    return Sunset.objects.create(newsletter=newsletter, issues=5, months=2, active=True)


def touched(sunset: Sunset) -> set[int]:
    """The subscribers whom a rule touches."""
    return set(asking.inactive(sunset, clock.now()).values_list("subscriber", flat=True))


def test_only_who_got_much_and_did_nothing_is_inactive(
    newsletter: Newsletter, sunset: Sunset
) -> None:
    """A human click counts, an open and a machine's click do not."""
    now = clock.now()
    silent, scanned, clicker = (make_old(newsletter) for _ in range(3))
    make_old(newsletter, issues=4)
    newcomer = make_old(newsletter)
    Subscription.objects.filter(subscriber=newcomer).update(confirmed_at=now - 30 * DAY)
    click(scanned, now - DAY, Verdict.MACHINE)
    click(clicker, now - 50 * DAY)
    assert touched(sunset) == {silent.pk, scanned.pk}
    assert signs.last_sign_of_life(clicker) == now - 50 * DAY
    assert signs.last_sign_of_life(silent) is None


def test_preferences_and_letters_are_signs_of_life(newsletter: Newsletter, sunset: Sunset) -> None:
    """What subscribers do themselves; an absence note of theirs is none."""
    now = clock.now()
    silent, chooser, writer, absent = (make_old(newsletter) for _ in range(4))
    preferences.set_cadence(chooser.pk, newsletter, "every")
    for subscriber, subject in ((writer, "Re: Tide"), (absent, "Out of office: Tide")):
        token = message_id(subscriber.deliveries.latest("pk").issue, subscriber)
        field = f"In-Reply-To: <{token}@courier.example>\n"
        reports.receive(shapes.note(subject, field), now)
    assert touched(sunset) == {silent.pk, absent.pk}


def test_without_clicks_of_individuals_nobody_is_asked(
    newsletter: Newsletter, sunset: Sunset
) -> None:
    """Nor before they have been counted for as long as the rule looks back."""
    subscriber = make_old(newsletter)
    assert "not been counted" in asking.obstacle(sunset, clock.now())
    click(subscriber, clock.now() - DAY)
    assert "not been counted" in asking.obstacle(sunset, clock.now())
    click(make_old(newsletter), clock.now() - LONG_AGO)
    assert asking.obstacle(sunset, clock.now()) == ""
    sunset.months = 4
    assert "stored for 3 months" in asking.obstacle(sunset, clock.now())
    sunset.newsletter.publication.tracking = Tracking.AGGREGATE
    assert "does not count the clicks" in asking.obstacle(sunset, clock.now())
    Publication.objects.update(tracking=Tracking.AGGREGATE)
    assert asking.ask_due(clock.now()) == 0


def test_who_does_not_answer_is_paused_and_may_resume(
    newsletter: Newsletter, sunset: Sunset, client: Client
) -> None:
    """They are asked once; the button of the mail resumes it."""
    now = clock.now()
    silent, clicker = make_old(newsletter), make_old(newsletter)
    for subscriber in (silent, clicker):
        click(subscriber, now - LONG_AGO)
    assert [asking.ask_due(now), asking.ask_due(now + DAY)] == [2, 0]
    click(clicker, now + DAY)
    asking.ask_due(now + 13 * DAY)
    assert SunsetQuestion.objects.filter(outcome="open").count() == 2
    asking.ask_due(now + 15 * DAY)
    subscription = silent.subscriptions.get()
    assert subscription.paused_until is not None
    assert subscription.paused_until > now + 1000 * DAY
    assert clicker.subscriptions.get().paused_until is None
    notice = Notice.objects.get(kind=Notice.Kind.STAY, subscriber=silent)
    written = content.write_letter(notice, now)
    assert written is not None
    assert "Do you still want to receive" in written.letter.subject
    path = re.sub(r"^https?://[^/]+", "", written.links["confirm"])
    assert "Keep sending" in client.get(path).content.decode()
    assert silent.subscriptions.get().paused_until is not None
    assert "Thank you for staying" in client.post(path).content.decode()
    assert silent.subscriptions.get().paused_until is None
    assert signs.last_sign_of_life(silent) is not None
    assert client.post(path[:-4] + "AAAA").status_code == 404


@pytest.mark.usefixtures("sunset")
def test_staying_ends_no_pause_of_their_own(newsletter: Newsletter) -> None:
    """Who resumed, and is on holiday by now, finds the old mail."""
    now = clock.now()
    silent = make_old(newsletter)
    click(silent, now - LONG_AGO)
    asking.ask_due(now)
    asking.ask_due(now + 15 * DAY)
    question = SunsetQuestion.objects.get()
    assert question.outcome == "paused"
    holiday = now + 30 * DAY
    Subscription.objects.update(paused_until=holiday)
    asking.stay(silent, newsletter, now + 16 * DAY)
    assert silent.subscriptions.get().paused_until == holiday
    question.refresh_from_db()
    assert question.outcome == "stayed"


def test_the_console_shows_a_forecast_and_switches_it_on(
    newsletter: Newsletter, client: Client
) -> None:
    """Off by default; it cannot be switched on where nobody could be told apart."""
    client.force_login(make_superuser())
    address, key = "/admin/deliverability/inactive/", newsletter.pk
    rule = {f"{key}-issues": "5", f"{key}-months": "2", f"{key}-active": "on"}
    page = client.post(f"{address}{key}/save/", rule).content.decode()
    assert "have not been counted for that long yet" in page
    assert not Sunset.objects.exists()
    click(make_old(newsletter), clock.now() - LONG_AGO)
    page = client.post(f"{address}{key}/save/", rule, follow=True).content.decode()
    assert "touches <strong>1</strong> subscriber now" in page
    assert Sunset.objects.get().active
