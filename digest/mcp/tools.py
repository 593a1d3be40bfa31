"""The tools: each is one call to the API, and names the scopes that its token needs.

Nothing here returns an email address of a subscriber.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from digest.mcp.api import Api

MOST = 50  # rows of a list
LONGEST_TEXT = 20_000  # characters of a mail

Slug = Annotated[  # it is part of a path, so it holds nothing that leads to another one
    str, Field(pattern=r"^[A-Za-z0-9_-]+$", description="Short name, as in list_newsletters.")
]
Limit = Annotated[int, Field(ge=1, le=MOST)]
Days = Annotated[int, Field(ge=1, le=730)]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function for assistants; its docstring is its description."""

    run: Callable[..., Result]
    scopes: tuple[str, ...]
    writes: bool = False


def tools_of(api: Api) -> Iterator[Tool]:
    """Yield every tool, whatever the token may do."""
    yield from _newsletters(api)
    yield from _issues(api)
    yield from _articles(api)
    yield from _statistics(api)
    yield Tool(_drafting(api), ("issues:write",), writes=True)


def _listed(name: str, page: Mapping[str, Any]) -> Result:
    """Return a page's items under their name; `is_cut` says whether there are more."""
    return {name: page["items"], "is_cut": page["next"] is not None}


def _newsletters(api: Api) -> Iterator[Tool]:
    def list_newsletters() -> Result:
        """List the newsletters: name, publication, next slots in UTC, whether it is active."""
        return _listed("newsletters", api.get("/newsletters", limit=200))

    def show_newsletter(newsletter: Slug) -> Result:
        """Show a newsletter: layout, rules, sources, and how many subscribers it has now."""
        return dict(api.get(f"/newsletters/{newsletter}"))

    def list_segments() -> Result:
        """List the segments of subscribers, each with its rules in words."""
        return _listed("segments", api.get("/segments", limit=200))

    def count_segment(segment: int) -> Result:
        """Count the subscribers of a segment; `exact` says whether the number is an estimate."""
        return dict(api.get(f"/segments/{segment}/count"))

    yield Tool(list_newsletters, ("newsletters:read",))
    yield Tool(show_newsletter, ("newsletters:read",))
    yield Tool(list_segments, ("subscribers:read",))
    yield Tool(count_segment, ("subscribers:read",))


def _issues(api: Api) -> Iterator[Tool]:
    def list_issues(
        newsletter: Slug | None = None,
        state: Annotated[
            str | None,
            Field(description="draft, built, sending, paused, sent, skipped or cancelled."),
        ] = None,
        limit: Limit = 20,
    ) -> Result:
        """List issues, the newest first; times are in UTC."""
        page = api.get("/issues", newsletter=newsletter, state=state, limit=limit)
        return _listed("issues", page)

    def show_issue(issue: int) -> Result:
        """Show an issue: state, blocks, stories, what was left out and why, and its progress."""
        return dict(api.get(f"/issues/{issue}"))

    def read_issue(issue: int) -> Result:
        """Read an issue as its subscribers get it: subject, preview text, and the mail as text."""
        mail = api.get(f"/issues/{issue}/preview")
        text = mail["text"]
        return {
            "subject": mail["subject"],
            "preheader": mail["preheader"],
            "text": text[:LONGEST_TEXT],
            "is_cut": len(text) > LONGEST_TEXT,
        }

    def show_preflight(issue: int) -> Result:
        """Show what should be fixed before an issue is sent."""
        return dict(api.get(f"/issues/{issue}/preflight"))

    for run in (list_issues, show_issue, read_issue, show_preflight):
        yield Tool(run, ("issues:read",))


def _articles(api: Api) -> Iterator[Tool]:
    def list_articles(newsletter: Slug | None = None, limit: Limit = 20) -> Result:
        """List articles, the newest first: id, title, summary, address, when issues may have it."""
        return _listed("articles", api.get("/articles", newsletter=newsletter, limit=limit))

    def show_article(article: int) -> Result:
        """Show an article."""
        return dict(api.get(f"/articles/{article}"))

    for run in (list_articles, show_article):
        yield Tool(run, ("articles:read",))


def _statistics(api: Api) -> Iterator[Tool]:
    def issue_statistics(issue: int) -> Result:
        """Show how an issue did: delivered, human clicks and opens, unsubscribes; by story."""
        return dict(api.get(f"/issues/{issue}/statistics"))

    def newsletter_statistics(newsletter: Slug, days: Days = 90) -> Result:
        """Show how a newsletter did in the last days: by issue, growth, and list size."""
        return dict(api.get(f"/newsletters/{newsletter}/statistics", days=days))

    def publication_statistics(publication: Slug, days: Days = 90) -> Result:
        """Show how all newsletters of a publication did in the last days."""
        return dict(api.get(f"/publications/{publication}/statistics", days=days))

    for run in (issue_statistics, newsletter_statistics, publication_statistics):
        yield Tool(run, ("statistics:read",))


def _drafting(api: Api) -> Callable[..., Result]:
    def create_draft_issue(
        newsletter: Slug,
        articles: Annotated[
            list[int], Field(description="Ids, in this order. Empty: the latest stories.")
        ],
        *,
        whole: Annotated[
            bool, Field(description="The whole text of the one article that is named.")
        ] = False,
    ) -> Result:
        """Create a draft. It is not sent: a person reviews and sends it at its `console_url`."""
        body = {"articles": articles, "whole": whole}
        return dict(api.create(f"/newsletters/{newsletter}/issues", body))

    return create_draft_issue
