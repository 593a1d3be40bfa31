"""Ghost: what its webhooks report of a post that is published, corrected, unpublished or deleted.

The body of `post.published`, `post.published.edited`, `post.unpublished` and `post.deleted` has the
post as the Admin API shows it, and the former values of what changed:
`{"event": "post.published", "post": {"current": {…}, "previous": {"status": "draft", …}}}`. The
Content API shows posts in the same fields.
"""

from collections.abc import Mapping
from typing import Any

from digest.articles.parsing.base import Entry, Image
from digest.connectors.reading.changes import (
    LONGEST_TEXT,
    Action,
    Change,
    read_line,
    read_lines,
    read_markup,
    read_moment,
    read_object,
    read_url,
)
from digest.core.gating import has_gated_blocks, strip_gated_blocks

PUBLISHED = "published"


def read_call(body: Mapping[str, Any]) -> Change | None:
    """Return what a webhook reports; None for drafts, pages, and posts that are mails only."""
    post = read_object(body.get("post"))
    current, previous = read_object(post.get("current")), read_object(post.get("previous"))
    was_public = read_line(previous, "status") == PUBLISHED
    is_deleted = body.get("event") == "post.deleted" or not current
    if read_line(current, "status") == PUBLISHED and not is_deleted:
        is_new = "status" in previous and not was_public
        entry = read_post(current)
        action = Action.PUBLISH if is_new else Action.CORRECT
        return Change(action, entry, changed_at=entry.updated_at)
    if is_deleted or was_public:
        guid = read_line(current, "id") or read_line(previous, "id")
        url = read_url(previous, "url") or read_url(current, "url")
        changed_at = None if is_deleted else read_moment(current, "updated_at")
        entry = Entry(guid=guid, url=url)
        return Change(Action.RETRACT, entry, changed_at=changed_at) if guid else None
    return None


def read_post(post: Mapping[str, Any]) -> Entry:
    """Return a post as an article. What not everybody may read stays in Ghost.

    That is the text of a post that is not public, the blocks of a public one that are for members,
    and the excerpt that Ghost makes of such texts. Its guid is the post's id, as in Ghost's own
    feed.
    """
    is_public = read_line(post, "visibility") in {"", "public"}
    html = read_markup(post, "html")
    is_for_everybody = is_public and not has_gated_blocks(html)
    primary = read_object(post.get("primary_tag"))
    return Entry(
        guid=read_line(post, "id"),
        url=read_url(post, "url"),
        title=read_markup(post, "title", 1000),
        summary=read_markup(post, "custom_excerpt", LONGEST_TEXT)
        or (read_markup(post, "excerpt", LONGEST_TEXT) if is_for_everybody else ""),
        body_html=strip_gated_blocks(html) if is_public else "",
        byline=", ".join(_names(post.get("authors"))),
        section=read_line(primary, "name", 200) if _is_public(primary) else "",
        tags=_names(post.get("tags")),
        published_at=read_moment(post, "published_at"),
        updated_at=read_moment(post, "updated_at"),
        image=Image(
            read_url(post, "feature_image"),
            read_markup(post, "feature_image_alt", LONGEST_TEXT),
            read_markup(post, "feature_image_caption", LONGEST_TEXT),
        ),
    )


def _names(rows: Any) -> tuple[str, ...]:
    """Return the names of tags or authors; Ghost's internal tags, which begin with #, are not."""
    objects = map(read_object, rows if isinstance(rows, list) else [])
    return read_lines([read_line(row, "name", 200) for row in objects if _is_public(row)])


def _is_public(row: Mapping[str, Any]) -> bool:
    is_hidden = row.get("visibility") == "internal" or read_line(row, "name").startswith("#")
    return not is_hidden
