"""Two publications never share an article, nor a source."""

import pytest
from django.db import IntegrityError, transaction

from digest.articles import cleaning, parsing, pushing, storing
from digest.articles.models import Article, Source
from digest.articles.parsing.base import Entry
from digest.issues import creating, editing
from digest.newsletters import setup
from digest.newsletters.errors import NewsletterError
from tests.articles.publisher import CASES
from tests.cast import NOON, make_article, make_issue, make_newsletter, make_source

pytestmark = pytest.mark.django_db


def store(source: Source, name: str) -> None:
    """Store a feed of the cases as the source's."""
    document = parsing.parse_feed(
        (CASES / "identity" / f"r21c-{name}").read_bytes(), source.url, ""
    )
    storing.store(source, cleaning.cleaned(document), NOON, first_poll=False)


def test_the_same_link_in_two_publications_is_two_articles() -> None:
    """Each keeps its own words, whoever is polled first and last."""
    first, other = make_source(make_newsletter()), make_source(make_newsletter())
    for _ in range(2):
        store(first, "first.xml")
        store(other, "other.xml")
    assert Article.objects.count() == 2
    assert first.articles.get().title == "Harbour board votes to dredge"
    assert other.articles.get().title == "CLICK HERE for cheap boats"
    assert {article.revision for article in Article.objects.all()} == {1}
    storing.retract(other.articles.get(), NOON)
    assert first.articles.get().retracted_at is None


def test_what_one_publication_pushes_reaches_no_other() -> None:
    """The same guid and link pushed for two publications: two articles, each with its words."""
    first, other = make_newsletter().publication, make_newsletter().publication
    for publication, title in ((first, "Ours"), (other, "Theirs")):
        source = pushing.source_of(publication.pk, publication.slug, NOON)
        entry = Entry(guid="1", url="https://own.example/vote", title=title)
        assert pushing.push(source, entry, NOON).outcome == "new"
    assert sorted(Article.objects.values_list("title", flat=True)) == ["Ours", "Theirs"]


def test_two_publications_have_a_source_each_at_one_address() -> None:
    """And neither has two."""
    newsletter = make_newsletter()
    source = make_source(newsletter)
    make_source(make_newsletter(), url=source.url)
    with transaction.atomic(), pytest.raises(IntegrityError):
        make_source(newsletter, url=source.url)


def test_a_newsletter_uses_sources_of_its_publication_only() -> None:
    """The database itself refuses another's."""
    source, newsletter = make_source(make_newsletter()), make_newsletter()
    with transaction.atomic(), pytest.raises(IntegrityError):
        newsletter.sources.add(source)
    assert source.newsletters.count() == 1


def test_a_story_is_an_article_of_its_publication() -> None:
    """Retracting it could otherwise change another publication's mail: pick, add, create."""
    newsletter, article = make_newsletter(), make_article(make_source(make_newsletter()))
    issue = make_issue(newsletter, state="draft")
    with pytest.raises(NewsletterError, match="another publication"):
        setup.pick(newsletter, article, NOON)
    with pytest.raises(NewsletterError, match="another publication"):
        editing.add(issue, issue.revision, article, None)  # type: ignore[arg-type]
    with pytest.raises(NewsletterError, match="another publication"):
        creating.create_issue(newsletter, "k", None, NOON, articles=[article])  # type: ignore[arg-type]
