"""Ghost: what its webhooks report of a post that is published, corrected, unpublished or deleted.

The body of `post.published`, `post.published.edited`, `post.unpublished` and `post.deleted` has the
post as the Admin API shows it, and the former values of what changed:
`{"event": "post.published", "post": {"current": {…}, "previous": {"status": "draft", …}}}`. The
Content API shows posts in the same fields.
"""

from collections.abc import Mapping
from typing import Any

from digest.articles.parsing.base import Entry
from digest.connectors.actions import Action
from digest.connectors.reading.changes import Change
from digest.connectors.reading.fields import LONGEST_TEXT, Fields, read_lines
from digest.core.gating import has_gated_blocks, strip_gated_blocks

PUBLISHED = "published"


def read_call(body: Mapping[str, Any]) -> Change | None:
    """Return what a webhook reports; None for drafts, pages, and posts that are mails only."""
    post = Fields.of(body.get("post"))
    current, previous = post.fields("current"), post.fields("previous")
    was_public = previous.line("status") == PUBLISHED
    is_deleted = body.get("event") == "post.deleted" or not current
    if current.line("status") == PUBLISHED and not is_deleted:
        is_new = "status" in previous and not was_public
        entry = read_post(current.data)
        action = Action.PUBLISH if is_new else Action.CORRECT
        return Change(action, entry, changed_at=entry.updated_at)
    if is_deleted or was_public:
        guid = current.line("id") or previous.line("id")
        url = previous.url("url") or current.url("url")
        changed_at = None if is_deleted else current.moment("updated_at")
        entry = Entry(guid=guid, url=url)
        return Change(Action.RETRACT, entry, changed_at=changed_at) if guid else None
    return None


def read_post(data: Mapping[str, Any]) -> Entry:
    """Return a post as an article. What not everybody may read stays in Ghost.

    That is the text of a post that is not public, the blocks of a public one that are for members,
    and the excerpt that Ghost makes of such texts. Its guid is the post's id, as in Ghost's own
    feed.
    """
    post = Fields(data)
    is_public = post.line("visibility") in {"", "public"}
    html = post.markup("html")
    is_for_everybody = is_public and not has_gated_blocks(html)
    primary = post.fields("primary_tag")
    return Entry(
        guid=post.line("id"),
        url=post.url("url"),
        title=post.markup("title", 1000),
        summary=post.markup("custom_excerpt", LONGEST_TEXT)
        or (post.markup("excerpt", LONGEST_TEXT) if is_for_everybody else ""),
        body_html=strip_gated_blocks(html) if is_public else "",
        byline=", ".join(_names(post.objects("authors"))),
        section=primary.line("name", 200) if _is_public(primary) else "",
        tags=_names(post.objects("tags")),
        published_at=post.moment("published_at"),
        updated_at=post.moment("updated_at"),
        image=post.image("feature_image", "feature_image_alt", "feature_image_caption"),
    )


def _names(rows: list[Fields]) -> tuple[str, ...]:
    """Return the names of tags or authors; Ghost's internal tags, which begin with #, are not."""
    return read_lines([row.line("name", 200) for row in rows if _is_public(row)])


def _is_public(row: Fields) -> bool:
    is_hidden = row.text("visibility") == "internal" or row.line("name").startswith("#")
    return not is_hidden
