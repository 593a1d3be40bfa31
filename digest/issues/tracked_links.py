"""The tracked links of an issue: stored once, however often the issue is compiled."""

from collections.abc import Collection, Mapping, Sequence

from digest.issues.models import Issue, TrackedLink

_CHANGES = ("position", "label", "article_id", "appeal_id", "in_mail")
Key = tuple[int | None, int | None, str, str]


def store(issue: Issue, links: Sequence[TrackedLink]) -> list[TrackedLink]:
    """Store the links of an issue's mail and return them with their ids, in the same order.

    Those that are stored already keep their ids, so that links in mails that were sent stay the
    same. Until mails go out, links of an earlier draft are marked: proofs have them, and they are
    not counted. The caller holds the lock on the issue's row.
    """
    existing = _by_key(issue)
    TrackedLink.objects.bulk_create(link for link in links if key_of(link) not in existing)
    _update(links, existing)
    if issue.planned_at is None:
        _mark_removed(existing, {key_of(link) for link in links})
    stored = _by_key(issue)
    return [stored[key_of(link)] for link in links]


def key_of(link: TrackedLink) -> Key:
    """Return what makes a link the same one when its issue is compiled again."""
    return link.block_id, link.story_id, str(link.kind), link.url


def _by_key(issue: Issue) -> dict[Key, TrackedLink]:
    return {key_of(row): row for row in TrackedLink.objects.filter(issue=issue)}


def _mark_removed(existing: Mapping[Key, TrackedLink], current: Collection[Key]) -> None:
    removed_links = [row.pk for key, row in existing.items() if key not in current]
    TrackedLink.objects.filter(pk__in=removed_links, in_mail=True).update(in_mail=False)


def _update(links: Sequence[TrackedLink], existing: dict[Key, TrackedLink]) -> None:
    """Note where links stand now, and how they are labelled."""
    changed = []
    for link in links:
        row = existing.get(key_of(link))
        if row and any(getattr(row, name) != getattr(link, name) for name in _CHANGES):
            for name in _CHANGES:
                setattr(row, name, getattr(link, name))
            changed.append(row)
    TrackedLink.objects.bulk_update(changed, _CHANGES)
