"""Page views that a publisher reports, and the block of popular articles that they fill."""

import pytest

from digest.articles import popularity
from digest.articles.models import Article
from digest.issues import building
from digest.newsletters.block_fields import BlockKind
from tests.cast import NOON, make_article, make_layout_block, make_newsletter, make_source

pytestmark = pytest.mark.django_db


def test_views_are_stored_by_address() -> None:
    """However the address is written; those of nobody are returned; other publications are not."""
    newsletter = make_newsletter()
    article = make_article(publication_id=newsletter.publication_id)
    other = make_article(publication_id=newsletter.publication_id + 1)
    views = {f"{article.url}?utm_source=x": 12, "https://courier.example/none": 3, other.url: 9}
    unknown = popularity.record_views(newsletter.publication_id, views)
    assert unknown == ["https://courier.example/none", other.url]
    scores = Article.objects.in_bulk([article.pk, other.pk])
    assert (scores[article.pk].score, scores[other.pk].score) == (12, 0)


def test_popular_articles_are_the_most_read_ones() -> None:
    """Before the latest take theirs; one that nobody read is not popular."""
    newsletter = make_newsletter()
    block = make_layout_block(newsletter, kind=BlockKind.POPULAR, title="Popular", max_stories=2)
    source = make_source(newsletter)
    for title, score in (("Quiet", 0), ("Read", 10), ("Most read", 20), ("Third", 5)):
        make_article(source, title=title, score=score)
    newsletter.layout.filter(kind=BlockKind.LEAD).delete()
    issue = building.build(newsletter, NOON, NOON)
    popular = issue.stories.filter(selected_by=block)
    assert [story.title for story in popular] == ["Most read", "Read"]
    assert popular[0].reason.startswith("Read 20 times")
    assert issue.stories.filter(title="Quiet").get().block.kind == BlockKind.LATEST
