"""The revisions of an issue's content: each change is one, and can be undone and redone.

A revision holds the whole content: texts, blocks and stories with their ids. Restoring one puts
exactly that back, so links, anchors and what editors have open stay valid. Undoing does not go back
in `Issue.revision`, which only counts up: an approval and a compiled mail are of one content.

What somebody saves again and again while writing (`change_key`) is one revision as long as nobody
else changes anything and no more than PAUSE lies between.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core import serializers
from django.core.exceptions import ObjectDoesNotExist

from digest.accounts.models import User
from digest.articles.models import Article
from digest.issues.errors import IssueError
from digest.issues.models import Block, Issue, IssueRevision, Story
from digest.newsletters.audiences.models import Segment

PAUSE = timedelta(seconds=20)
MOST = 100  # revisions that are kept of an issue
_TEXTS = ("own_subject", "own_preheader", "left_out")


def begin(issue: Issue, now: datetime) -> None:
    """Record what the issue is before its first change."""
    if not issue.history.exists():
        _record(issue, 0, "", "", None, now)
        issue.history_position = 0


def record(issue: Issue, summary: str, change_key: str, by: User, now: datetime) -> None:
    """Record what the issue is after a change; what had been undone cannot be redone any more."""
    issue.history.filter(position__gt=issue.history_position).delete()
    last = issue.history.filter(position=issue.history_position).first()
    if last and _continues(last, change_key, by, now):
        last.content, last.at = _content(issue), now
        last.save(update_fields=["content", "at"])
        return
    issue.history_position += 1
    _record(issue, issue.history_position, summary, change_key, by, now)
    issue.history.filter(position__lte=issue.history_position - MOST).delete()


def undo(issue: Issue) -> str:
    """Put back what the issue was before its last change; return what was undone.

    Raises IssueError if there is nothing to undo.
    """
    current = issue.history.filter(position=issue.history_position).first()
    previous = issue.history.filter(position=issue.history_position - 1).first()
    if current is None or previous is None:
        raise IssueError("There is nothing to undo.")
    _restore(issue, previous)
    return current.summary


def redo(issue: Issue) -> str:
    """Make the change again that was undone last; return what it was."""
    following = issue.history.filter(position=issue.history_position + 1).first()
    if following is None:
        raise IssueError("There is nothing to redo.")
    _restore(issue, following)
    return following.summary


def steps(issue: Issue) -> tuple[str, str]:
    """Return what "Undo" and "Redo" would change, empty where there is nothing."""
    position = issue.history_position
    rows = issue.history.filter(position__in=(position - 1, position, position + 1))
    summaries = dict(rows.values_list("position", "summary"))
    undoes = summaries.get(position, "") if position - 1 in summaries else ""
    return undoes, summaries.get(position + 1, "")


def articles_nearby(issue: Issue) -> set[int | None]:
    """Return the articles of what "Undo" and "Redo" would put back."""
    position = issue.history_position
    rows = issue.history.filter(position__in=(position - 1, position + 1))
    return {
        row["fields"].get("article")
        for content in rows.values_list("content", flat=True)
        for row in (*content["stories"], *content["blocks"])
    }


def retracted_articles(issue: Issue, article_ids: Iterable[int | None]) -> set[int | None]:
    """Return which articles were retracted: all over, or as stories of this issue."""
    ids = [article_id for article_id in article_ids if article_id]
    all_over = Article.objects.filter(pk__in=ids).exclude(retracted_at=None)
    of_issue = issue.stories.filter(article__in=ids).exclude(retracted_at=None)
    return {*all_over.values_list("pk", flat=True), *of_issue.values_list("article_id", flat=True)}


def forget(before: datetime) -> None:
    """Delete the revisions of issues that finished before a moment."""
    IssueRevision.objects.filter(issue__finished_at__lt=before).delete()


def _continues(last: IssueRevision, change_key: str, by: User, now: datetime) -> bool:
    is_same = bool(change_key) and last.change_key == change_key and last.changed_by_id == by.pk
    return is_same and now - last.at < PAUSE


def _record(
    issue: Issue, position: int, summary: str, change_key: str, by: User | None, now: datetime
) -> None:
    issue.history.create(
        position=position,
        summary=summary[:300],
        change_key=change_key,
        changed_by=by,
        at=now,
        content=_content(issue),
    )


def _content(issue: Issue) -> dict[str, Any]:
    return {
        "texts": {name: getattr(issue, name) for name in _TEXTS},
        "blocks": _serialized(issue.blocks.order_by("position")),
        "stories": _serialized(issue.stories.order_by("position")),
    }


def _serialized(rows: Iterable[Block] | Iterable[Story]) -> list[dict[str, Any]]:
    """Return rows as Django serializes them, as plain JSON."""
    values: list[dict[str, Any]] = json.loads(serializers.serialize("json", rows))
    return values


def _restore(issue: Issue, revision: IssueRevision) -> None:
    """Put a revision's content back; rows keep their ids, and versions count on."""
    content = revision.content
    for name, value in content["texts"].items():
        setattr(issue, name, value)
    retracted = _retracted(issue, content)
    stories = [row for row in content["stories"] if row["pk"] not in retracted]
    rows = [*_with_hidden_texts(issue, content["blocks"]), *stories]
    current = {(row["model"], row["pk"]): row for row in _rows_of(issue)}
    issue.stories.filter(retracted_at=None).exclude(pk__in=[row["pk"] for row in stories]).delete()
    issue.blocks.exclude(pk__in=[row["pk"] for row in content["blocks"]]).delete()
    for row in rows:
        _restore_row(row, current.get((row["model"], row["pk"])))
    issue.history_position = revision.position


def _rows_of(issue: Issue) -> list[dict[str, Any]]:
    return [*_serialized(issue.blocks.all()), *_serialized(issue.stories.all())]


def _retracted(issue: Issue, content: dict[str, Any]) -> set[int]:
    """Return the ids of stories that nothing puts back: they or their articles were retracted."""
    article_ids = [row["fields"]["article"] for row in content["stories"]]
    withdrawn = Article.objects.filter(pk__in=article_ids).exclude(retracted_at=None)
    withdrawn_ids = set(withdrawn.values_list("pk", flat=True))
    ids = {row["pk"] for row in content["stories"] if row["fields"]["article"] in withdrawn_ids}
    return ids | set(issue.stories.exclude(retracted_at=None).values_list("pk", flat=True))


def _with_hidden_texts(issue: Issue, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return blocks, those hidden that have the whole text of an article that was retracted."""
    retracted = retracted_articles(issue, {row["fields"].get("article") for row in blocks})
    return [
        row | {"fields": row["fields"] | {"hidden": True}}
        if row["fields"].get("article") in retracted
        else row
        for row in blocks
    ]


def _restore_row(values: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Save a row as it was, with a version that nobody has seen; unless it is so already."""
    version = current["fields"]["version"] if current else values["fields"]["version"]
    if current and current["fields"] == values["fields"] | {"version": version}:
        return
    (deserialized,) = serializers.deserialize("python", [values])
    row = deserialized.object
    assert isinstance(row, Block | Story)
    _require_segment(row)
    row.version = version + 1
    _forget_missing(row)
    row.save(force_insert=current is None)


def _require_segment(row: Block | Story) -> None:
    """Raise IssueError for a block whose segment was deleted: without it, everyone would get it."""
    if not isinstance(row, Block) or row.segment_id is None:
        return
    if not Segment.objects.filter(pk=row.segment_id).exists():
        raise IssueError(
            f"The block “{row}” was only for a segment that no longer exists, so this cannot be "
            "put back. Change the issue yourself instead."
        )


def _forget_missing(row: Block | Story) -> None:
    """Unset what has been deleted since: an article, a picture, an appeal, a layout's block."""
    of_block, of_story = (
        ("layout_block", "appeal", "article"),
        ("article", "selected_by", "picture"),
    )
    names = of_block if isinstance(row, Block) else of_story
    for name in names:
        try:
            getattr(row, name)
        except ObjectDoesNotExist:
            setattr(row, name, None)
