"""Scores of articles, from totals of clicks and page views to the order of the block."""

from datetime import timedelta
from typing import Any

import pytest

from digest.analytics import popularity
from digest.analytics.models import LinkHour, StoryReach
from digest.analytics.popularity import reach
from digest.articles import site_views
from digest.articles.models import Article
from digest.issues.models import Issue, TrackedLink
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery, Tally
from digest.subscribers import profiles
from digest.subscribers.models import Subscription
from digest.subscribers.segments import saving
from tests.cast.articles import make_article
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_layout_block, make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def went_out(newsletter: Newsletter, delivered: int = 1_000) -> Issue:
    """An issue of an hour ago that so many subscribers received."""
    slot = NOON - HOUR * (1 + newsletter.issues.count())
    issue = make_issue(newsletter, state=Issue.State.SENT, slot=slot, planned_at=slot)
    Tally.objects.create(issue_id=issue.pk, state=Delivery.State.SENT, deliveries=delivered)
    return issue


def clicked(
    issue: Issue, article: Article, clicks: int, hours_ago: int = 1, at: int = 0, **story: Any
) -> None:
    """So many people clicked the article's link, in the hour that long ago."""
    row = make_story(issue, article=article, url=article.url, **story)
    link = TrackedLink.objects.create(
        issue=issue, story=row, article_id=article.pk, position=at, url=article.url
    )
    hour = NOON - HOUR * hours_ago
    LinkHour.objects.create(
        issue_id=issue.pk, link_id=link.pk, hour=hour, clicks=2 * clicks, unique_clicks=clicks
    )


def score(article: Article) -> float:
    """The article's score as it is stored now."""
    article.refresh_from_db()
    return article.score


def test_what_people_click_is_popular() -> None:
    """The best article has 1; clicks of four days ago count a quarter at 48 hours' half-life."""
    newsletter = make_newsletter()
    issue = went_out(newsletter)
    best, old, ignored = (make_article() for _ in range(3))
    clicked(issue, best, 100)
    clicked(went_out(newsletter), old, 100, hours_ago=1 + 4 * 24)
    clicked(went_out(newsletter), ignored, 0)
    assert popularity.refresh(newsletter.publication, NOON) == 2
    assert (score(best), score(old), score(ignored)) == (1, 0.25, 0)
    assert popularity.refresh(newsletter.publication, NOON) == 0


def test_an_article_that_is_popular_no_more_loses_its_score() -> None:
    """When its mails are older than what is looked at, too."""
    newsletter = make_newsletter()
    article = make_article()
    clicked(went_out(newsletter), article, 100)
    popularity.refresh_all(NOON)
    assert score(article) == 1
    popularity.refresh_all(NOON + timedelta(days=40))
    assert score(article) == 0


def test_a_publication_is_judged_by_its_own() -> None:
    """Neither clicks nor page views of another one count; its half-life is its own, too."""
    newsletter, other = make_newsletter(), make_newsletter(publication=make_publication())
    article, foreign = (
        make_article(publication_id=row.publication_id) for row in (newsletter, other)
    )
    clicked(went_out(newsletter), article, 5)
    clicked(went_out(other), foreign, 500)
    popularity.refresh(newsletter.publication, NOON)
    assert (score(article), score(foreign)) == (1, 0)


def test_page_views_are_merged_and_fade() -> None:
    """The one that the site's visitors read wins over one that was in the mail alone."""
    newsletter = make_newsletter()
    mailed, mailed_and_read, read = (make_article() for _ in range(3))
    issue = went_out(newsletter)
    clicked(issue, mailed, 50)
    clicked(issue, mailed_and_read, 50)
    views = {mailed_and_read.url: 1_000, read.url: 800}
    site_views.record_views(newsletter.publication_id, views, NOON)
    popularity.refresh(newsletter.publication, NOON)
    assert score(mailed_and_read) == 1
    assert score(read) == 0.8
    assert score(mailed) == 0.5
    popularity.refresh(newsletter.publication, NOON + timedelta(days=8))  # the report is too old
    assert score(read) == 0


def test_a_story_counts_by_the_mails_that_had_it() -> None:
    """Of ten subscribers two chose Sport, one mutes it, and one chose what the issue has not."""
    newsletter = make_newsletter()
    for title in ("Sport", "Culture", "Harbour"):
        make_layout_block(newsletter, kind=BlockKind.TOPIC, title=title, topics=[title])
    issue = went_out(newsletter)
    sport, culture = (make_article() for _ in range(2))
    clicked(issue, sport, 50, topics=["Sport"])
    clicked(issue, culture, 50, topics=["Culture"])
    choices = ["Sport"] * 2 + ["Culture"] * 4 + ["Harbour"] + [""] * 3
    subscribers = [make_subscriber(newsletter) for _ in choices]
    for subscriber, topic in zip(subscribers, choices, strict=True):
        subscriber.subscriptions.update(topics=[topic] if topic else [])
    subscribers[-1].subscriptions.update(muted_topics=["Sport"])
    compiled_for(issue)
    popularity.refresh(newsletter.publication, NOON)
    shares = dict(StoryReach.objects.values_list("story__article_id", "share"))
    assert shares == pytest.approx({sport.pk: 4 / 9, culture.pk: 7 / 9})
    assert score(sport) == 1 > score(culture) > 0
    Subscription.objects.update(topics=[])
    popularity.refresh(newsletter.publication, NOON)
    assert StoryReach.objects.get(story__article_id=sport.pk).share == shares[sport.pk]


def test_a_story_of_a_block_for_a_segment_reaches_its_members() -> None:
    """One of four, and everybody has the other story."""
    newsletter = make_newsletter()
    friend, *_ = [make_subscriber(newsletter) for _ in range(4)]
    profiles.add_tag("friend", newsletter.publication_id, [friend.pk])
    rule = {"field": "tag", "operator": "is", "value": "friend"}
    segment = saving.create(newsletter.publication, "Friends", {"rules": [rule]}, NOON)
    issue = went_out(newsletter)
    picked = make_block(issue, "picked", title="For friends", segment=segment)
    own, common = make_story(issue, block=picked), make_story(issue)
    compiled_for(issue)
    reach.record_reach(newsletter.publication, NOON - 24 * HOUR, NOON)
    shares = dict(StoryReach.objects.values_list("story", "share"))
    assert shares == {own.pk: 0.25, common.pk: 1.0}


def test_reach_is_counted_once(django_assert_num_queries: Any) -> None:
    """Of stories that no mail has now, too; an issue without stories is not looked at."""
    newsletter = make_newsletter()
    since, issues = NOON - 24 * HOUR, [went_out(newsletter) for _ in range(3)]
    for issue in issues[1:]:
        clicked(issue, make_article(), 5)
    issues[1].stories.update(retracted_at=NOON)
    for issue in issues:
        compiled_for(issue)
    reach.record_reach(newsletter.publication, since, NOON)
    assert set(StoryReach.objects.values_list("story__issue", "share")) == {
        (issue.pk, 1.0) for issue in issues[1:]
    }
    with django_assert_num_queries(1):
        reach.record_reach(newsletter.publication, since, NOON)


def test_nothing_is_popular_without_data() -> None:
    """Mails that were sent and not clicked make no score, and no error."""
    newsletter = make_newsletter()
    clicked(went_out(newsletter), make_article(), 0)
    clicked(went_out(newsletter, delivered=0), make_article(), 0)
    assert popularity.refresh(newsletter.publication, NOON) == 0
