"""Add a tag to many subscribers, or remove it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from digest.bulk.actions.base import MISSING, Action, Sorting, Values, subscribed_ids
from digest.bulk.models import BulkChange, BulkChunk
from digest.newsletters.models import Publication
from digest.subscribers import profiles
from digest.subscribers.models import Profile


class _Tagging(Action):
    """What adding and removing share."""

    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:  # noqa: ARG002
        return {"tag": profiles.clean_tag(data.get("tag", ""))}

    def _tags(
        self, change: BulkChange, ids: Collection[int], *, locks: bool
    ) -> dict[int, list[str]]:
        """Return the tags of those who are subscribers still."""
        rows = Profile.objects.filter(publication=change.publication_id, subscriber__in=ids)
        if locks:
            rows = rows.select_for_update().order_by("subscriber_id")
        tags = dict(rows.values_list("subscriber_id", "tags"))
        return {pk: tags.get(pk, []) for pk in sorted(subscribed_ids(change, ids))}


class AddTag(_Tagging):
    """Add a tag."""

    def describe(self, change: BulkChange) -> str:
        return f"Add the tag “{change.values['tag']}”"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        sorting, tags = Sorting(), self._tags(change, ids, locks=locks)
        for subscriber_id in ids:
            if subscriber_id not in tags:
                sorting.refuse(MISSING, subscriber_id)
            elif change.values["tag"] in tags[subscriber_id]:
                sorting.refuse("have the tag already", subscriber_id)
            elif len(tags[subscriber_id]) >= profiles.MOST_TAGS:
                sorting.refuse(f"have {profiles.MOST_TAGS} tags, the most possible", subscriber_id)
            else:
                sorting.changing[subscriber_id] = None
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:  # noqa: ARG002
        profiles.add_tag(change.values["tag"], change.publication_id, ids)

    def undo(self, chunk: BulkChunk, before: Mapping[int, Any], now: datetime) -> int:  # noqa: ARG002
        change = chunk.change
        return len(profiles.remove_tag(change.values["tag"], change.publication_id, before))


class RemoveTag(_Tagging):
    """Remove a tag."""

    def describe(self, change: BulkChange) -> str:
        return f"Remove the tag “{change.values['tag']}”"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        sorting, tags = Sorting(), self._tags(change, ids, locks=locks)
        for subscriber_id in ids:
            if change.values["tag"] in tags.get(subscriber_id, []):
                sorting.changing[subscriber_id] = None
            else:
                sorting.refuse("do not have the tag", subscriber_id)
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:  # noqa: ARG002
        profiles.remove_tag(change.values["tag"], change.publication_id, ids)

    def undo(self, chunk: BulkChunk, before: Mapping[int, Any], now: datetime) -> int:  # noqa: ARG002
        change = chunk.change
        return len(profiles.add_tag(change.values["tag"], change.publication_id, before))
