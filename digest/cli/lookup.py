"""Finding what a person named at the terminal, or saying what there is instead."""

import difflib
from pathlib import Path

from django.db.models import Q

from digest.accounts.models import User
from digest.articles.canonical import canonical
from digest.articles.models import Article
from digest.cli.errors import UsageError
from digest.core.files import explain_reading, explain_writing
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.relays import registry
from digest.relays.models import Relay


def user(address: str) -> User:
    """Return the active account with this address; raise UsageError if there is none."""
    row = User.objects.with_address(address).filter(is_active=True).first()
    if row is None:
        raise UsageError(f"There is no account for {address}. Owners invite people under Team.")
    return row


def newsletter(slug: str) -> Newsletter:
    """Return the newsletter with this slug; raise UsageError naming what is near or there."""
    row = Newsletter.objects.select_related("publication").filter(slug=slug).first()
    if row:
        return row
    slugs = list(Newsletter.objects.order_by("slug").values_list("slug", flat=True)[:50])
    raise UsageError(f"There is no newsletter {slug!r}. {_instead(slug, slugs)}")


def newsletter_ids(publication: Publication | None, slugs: list[str]) -> list[int]:
    """Return the ids of newsletters of a publication; raise UsageError for one that is not."""
    if slugs and publication is None:
        raise UsageError("Name the newsletters' publication, too: --publication SLUG.")
    rows = [newsletter(slug) for slug in slugs]
    for row in rows:
        if publication and row.publication_id != publication.pk:
            raise UsageError(f"{row.slug} is not a newsletter of {publication.slug}.")
    return [row.pk for row in rows]


def article(url: str, publication_id: int | None = None) -> Article:
    """Return the article at this address, however it is spelt.

    Raises UsageError if there is none, or if several publications have one and none is named.
    """
    candidates = Article.objects.filter(
        Q(url=url) | Q(canonical_url=canonical(url) or url)
    ).order_by("pk")
    if publication_id is not None:
        candidates = candidates.filter(publication_id=publication_id)
    publication_ids = set(candidates.values_list("publication_id", flat=True))
    if len(publication_ids) > 1:
        slugs = Publication.objects.filter(pk__in=publication_ids).order_by("slug")
        raise UsageError(
            f"Several publications have an article at {url}. Choose one with --publication: "
            f"{', '.join(slugs.values_list('slug', flat=True))}."
        )
    if row := candidates.first():
        return row
    raise UsageError(f"No article is known at {url}. `digest article list` shows what is.")


def issue(number: int) -> Issue:
    """Return the issue with this id, its newsletter and publication with it."""
    row = (
        Issue.objects.select_related("newsletter__publication", "newsletter__schedule")
        .filter(pk=number)
        .first()
    )
    if row:
        return row
    raise UsageError(f"There is no issue {number}. `digest issue list` shows them.")


def relay(name: str) -> Relay:
    """Return the relay of this name; raise UsageError naming those that are there."""
    relays_by_name = {item.name: item for item in registry.all_relays()}
    if name in relays_by_name:
        return relays_by_name[name]
    hint = (
        f"There are: {', '.join(relays_by_name)}."
        if relays_by_name
        else "Add one: digest relay add NAME URL"
    )
    raise UsageError(f"There is no relay {name!r}. {hint}")


def lines(path: Path) -> list[str]:
    """Return a file's lines, whatever their encoding; raise UsageError if it can't be read."""
    with explain_reading(path, UsageError):
        return path.read_text("utf-8", "replace").splitlines()


def write(path: Path, content: bytes) -> None:
    """Write a file that a person asked for; raise UsageError in the system's own words."""
    with explain_writing(path, UsageError):
        path.write_bytes(content)


def _instead(slug: str, slugs: list[str]) -> str:
    if not slugs:
        return "There is none yet; `digest newsletter add --help` tells how to make one."
    if near := difflib.get_close_matches(slug, slugs, 1):
        return f"Did you mean {near[0]!r}?"
    return f"There are: {', '.join(slugs[:10])}."
