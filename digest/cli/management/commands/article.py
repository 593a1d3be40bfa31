"""`digest article …`: what the sources brought."""

from typing import Any

from django.db.models import QuerySet
from django.forms.models import model_to_dict

from digest.articles.models import Article
from digest.articles.storing import mark_updated
from digest.cli import lookup, numbers
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.newsletters import setup

_FIELDS = (
    *("title", "url", "section", "tags", "published_at", "available_at", "updated_at"),
    *("marked_updated_at", "revision"),
)


class Command(ActionCommand):
    """Articles."""

    help = "Articles: list them, or mark one as updated."

    def add_actions(self) -> None:
        """Name the actions."""
        listing = self.reading("list", "the newest articles")
        listing.add_argument("--newsletter", metavar="SLUG", help="only of its sources")
        listing.add_argument("--limit", type=numbers.positive, default=30, help="how many (30)")
        mark = self.changing("mark-updated", "send an article once more, in the next issue")
        mark.add_argument("url")
        mark.add_argument("--publication", metavar="SLUG", help="if several have such an article")

    def do_list(self, options: dict[str, Any]) -> None:
        """List articles, the newest first."""
        slug = options["newsletter"]
        articles = [
            model_to_dict(article, _FIELDS) for article in _newest(slug)[: options["limit"]]
        ]
        self.answer(articles, lambda out: _print_list(out, articles))

    def do_mark_updated(self, options: dict[str, Any]) -> None:
        """Mark an article as updated."""
        slug = options["publication"]
        article = lookup.article(options["url"], setup.find_publication(slug).pk if slug else None)
        mark_updated(article, clock.now())
        self.answer(
            model_to_dict(article, _FIELDS),
            f"{article.title!r} may go out once more, even to those who had it before.",
        )


def _newest(slug: str | None) -> QuerySet[Article]:
    articles = Article.objects.order_by("-available_at", "pk").defer("body_html")
    if slug:
        return articles.filter(sources__newsletters=lookup.newsletter(slug)).distinct()
    return articles


def _print_list(out: Screen, articles: list[dict[str, Any]]) -> None:
    rows = [
        (clock.format_moment(row["available_at"]), row["section"], row["title"], row["url"])
        for row in articles
    ]
    out.print_table(
        ("Available", "Section", "Title", "Address"),
        rows,
        empty="No articles yet. Add a source: digest source add URL --newsletter SLUG",
    )
