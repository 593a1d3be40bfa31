"""Setting up the sample: once, whole, and following the port."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.analytics import rails
from digest.analytics.rails import Rail
from digest.articles.models import Article, Source
from digest.core import clock
from digest.embedded import upcoming
from digest.embedded.sample import paper
from digest.embedded.sample.setting_up import SUBSCRIBERS, first_slot, put_away, set_up
from digest.issues.building import build_due
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.subscribers.models import ConsentEvent, Subscription


@pytest.fixture
def site(live_server: LiveServer, embedded: Path, settings: Settings) -> str:
    """The sample paper, served; its address on loopback."""
    settings.DIGEST_BASE_URL = live_server.url
    netloc = f"127.0.0.1:{live_server.thread.port}"
    settings.DIGEST_FETCH_ALLOW = [netloc]
    return f"http://{netloc}/sample"


@pytest.mark.django_db(transaction=True)
def test_a_first_start_sets_everything_up(site: str) -> None:
    """Articles are stored, subscribers have agreed, and the first slot is near."""
    now = clock.now()
    set_up(site, now)
    newsletter = Newsletter.objects.get(slug=paper.NEWSLETTER)
    assert newsletter.publication.name == paper.particulars().name
    assert [block.title for block in newsletter.layout.all()][-2] == "Latest Stories"
    assert Article.objects.count() == len(paper.published(now, now))
    assert Article.objects.exclude(image_credit="").exists()
    popular = rails.list_articles(newsletter, Rail.POPULAR, now)
    assert [article.url.rpartition("/")[2] for article in popular[:2]] == [
        "seal-count",
        "oyster-blight",
    ]
    assert Subscription.objects.filter(state=Subscription.State.ACTIVE).count() == len(SUBSCRIBERS)
    assert ConsentEvent.objects.exclude(wording="").count() == len(SUBSCRIBERS)
    coming = upcoming.first(now)
    assert coming is not None
    assert coming.at == first_slot(now)


@pytest.mark.django_db(transaction=True)
def test_a_second_start_sets_nothing_up_twice(site: str, settings: Settings) -> None:
    """The addresses follow the port; the rest stays, the founding moment too."""
    now = clock.now()
    set_up(site, now)
    settings.DIGEST_BASE_URL = "http://localhost:9"
    set_up("http://127.0.0.1:9/sample", now + timedelta(days=2))
    publication = Publication.objects.get()
    assert publication.created_at == now
    assert publication.url == "http://localhost:9/sample/"
    assert publication.logo_url == "http://localhost:9/sample/images/logo.png"
    assert Source.objects.get().url == "http://127.0.0.1:9/sample/feed.xml"
    assert Appeal.objects.get().url == "http://localhost:9/sample/support"
    assert Newsletter.objects.get().schedule.since == now
    assert Subscription.objects.count() == len(SUBSCRIBERS)


@pytest.mark.django_db(transaction=True)
def test_a_start_completes_what_an_interrupted_one_left_out(site: str) -> None:
    """Killed before the source was added: the next start adds it."""
    now = clock.now()
    set_up(site, now)
    Source.objects.all().delete()
    Article.objects.all().delete()
    set_up(site, now)
    assert Article.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_sample_put_away_is_not_sent_until_it_is_back(site: str) -> None:
    """`--no-sample` on data that have one; what falls due in between is not made up for."""
    now = clock.now()
    set_up(site, now)
    put_away(now)
    assert upcoming.first(now) is None
    later = now + timedelta(days=3)
    set_up(site, later)
    coming = upcoming.first(later)
    assert coming is not None
    assert Newsletter.objects.get().schedule.since == later


@pytest.mark.django_db(transaction=True)
def test_a_first_slot_of_this_minute_is_due_at_once(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By DIGEST_SAMPLE_HEAD_START: a first issue without a wait."""
    monkeypatch.setenv("DIGEST_SAMPLE_HEAD_START", "-60")
    now = clock.now()
    set_up(site, now)
    [issue] = build_due(now)
    assert (issue.state, issue.slot) == (Issue.State.BUILT, now.replace(second=0, microsecond=0))


@pytest.mark.parametrize("second", range(0, 60, 5))
def test_the_first_slot_is_a_full_minute_with_time_to_come_up(second: int) -> None:
    """At least ten seconds from now, and never more than seventy."""
    now = datetime(2026, 11, 23, 12, 59, second, 123, tzinfo=UTC)
    slot = first_slot(now)
    assert (slot.second, slot.microsecond) == (0, 0)
    assert timedelta(seconds=10) <= slot - now <= timedelta(seconds=70)
