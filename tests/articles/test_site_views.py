"""Page views and reading times that a publisher reports, and the blocks that they fill."""

import pytest

from digest.articles import site_views
from digest.articles.models import Article
from digest.core.reading_time import WORDS_A_MINUTE
from digest.issues import building
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from tests.cast import NOON, make_article, make_layout_block, make_newsletter, make_source

pytestmark = pytest.mark.django_db
LONG = "<p>" + "word " * WORDS_A_MINUTE + "</p>"  # a minute


def test_views_are_stored_by_address() -> None:
    """However the address is written; those of nobody are returned; other publications are not."""
    newsletter = make_newsletter()
    article = make_article(publication_id=newsletter.publication_id)
    other = make_article(publication_id=newsletter.publication_id + 1)
    views = {f"{article.url}?utm_source=x": 12, "https://courier.example/none": 3, other.url: 9}
    unknown = site_views.record_views(newsletter.publication_id, views, NOON)
    assert unknown == ["https://courier.example/none", other.url]
    stored = Article.objects.in_bulk([article.pk, other.pk])
    assert (stored[article.pk].views, stored[article.pk].views_at) == (12, NOON)
    assert (stored[other.pk].views, stored[other.pk].views_at) == (0, None)


@pytest.mark.parametrize("row", ["(not set)", "Others", "", "https://"])
def test_rows_that_name_no_address_are_of_no_article(row: str) -> None:
    """Analytics list them too; an article without a link of its own does not get their views."""
    newsletter = make_newsletter()
    article = make_article()
    bare = make_article(url="", canonical_url="")
    views = {row: 900, article.url: 12}
    assert site_views.record_views(newsletter.publication_id, views, NOON) == [row]
    stored = Article.objects.in_bulk([article.pk, bare.pk])
    assert (stored[article.pk].views, stored[bare.pk].views) == (12, 0)
    assert stored[bare.pk].views_at is None


def test_views_of_several_addresses_of_an_article_are_added_up() -> None:
    """Analytics list a page by each address that it was opened with; times are weighed by views."""
    newsletter = make_newsletter()
    article = make_article(body_html=LONG)
    addresses = [article.url, f"{article.url}?utm_source=x", f"{article.url}#top"]
    views = dict(zip(addresses, (10, 20, 30), strict=True))
    seconds = {addresses[0]: 60.0, addresses[1]: 30.0}
    site_views.record_views(newsletter.publication_id, views, NOON, seconds)
    article.refresh_from_db()
    assert article.views == 60
    assert article.read_depth == pytest.approx(40 / 60)


@pytest.mark.parametrize(
    ("body", "seconds", "depth"),
    [
        (LONG, 60, 1.0),
        (LONG, 15, 0.25),
        (LONG, 86_400, site_views.DEEPEST),
        ("<p>A summary of the story.</p>", 60, None),
    ],
)
def test_reading_time_is_compared_with_the_length(
    body: str, seconds: float, depth: float | None
) -> None:
    """A text that is a summary has no length to compare with."""
    assert site_views.read_depth(body, seconds) == depth


def built(newsletter: Newsletter) -> Issue:
    """An issue without a lead."""
    newsletter.layout.filter(kind=BlockKind.LEAD).delete()
    return building.build(newsletter, NOON, NOON)


def test_popular_articles_are_those_with_the_highest_score() -> None:
    """Before the latest take theirs; one without a score is not popular."""
    newsletter = make_newsletter()
    block = make_layout_block(newsletter, kind=BlockKind.POPULAR, title="Popular", max_stories=2)
    source = make_source(newsletter)
    for title, score in (("Quiet", 0), ("Read", 0.5), ("Most read", 1), ("Third", 0.25)):
        make_article(source, title=title, score=score)
    issue = built(newsletter)
    popular = issue.stories.filter(selected_by=block)
    assert [story.title for story in popular] == ["Most read", "Read"]
    assert popular[1].reason.startswith("Popularity 50 of 100")
    assert issue.stories.filter(title="Quiet").get().block.kind == BlockKind.LATEST


def test_deeply_read_articles_are_those_that_visitors_finish() -> None:
    """Most of the text, and the whole before most of it; popular ones are taken before."""
    newsletter = make_newsletter()
    block = make_layout_block(newsletter, kind=BlockKind.DEEP, title="Deeply read", max_stories=5)
    make_layout_block(newsletter, kind=BlockKind.POPULAR, title="Popular", max_stories=1)
    source = make_source(newsletter)
    depths = {"Skimmed": 0.3, "Read": 0.7, "Finished": 1.0, "Unknown": None}
    for title, depth in depths.items():
        make_article(source, title=title, read_depth=depth)
    make_article(source, title="Popular and finished", read_depth=1.2, score=1)
    deep = built(newsletter).stories.filter(selected_by=block)
    assert [story.title for story in deep] == ["Finished", "Read"]
    assert deep[1].reason.startswith("70 % of it is read on average")
