"""Give many subscribers one value of an attribute, or remove their values."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from digest.bulk.actions.base import MISSING, Action, Sorting, Values, subscribed_ids
from digest.bulk.errors import BulkError, InvalidChangeError
from digest.bulk.models import BulkChange, BulkChunk
from digest.newsletters.models import Publication
from digest.subscribers import attributes, profiles
from digest.subscribers.models import Profile


class SetAttribute(Action):
    """Set an attribute; without a value, remove it."""

    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:
        attribute = attributes.attributes_of(publication.pk).get(data.get("attribute", ""))
        if attribute is None:
            raise InvalidChangeError("Choose an attribute.")
        value = attributes.read_value(attribute, data.get("value", ""))
        return {"attribute": attribute.key, "value": value}

    def describe(self, change: BulkChange) -> str:
        key, value = change.values["attribute"], change.values["value"]
        attribute = attributes.attributes_of(change.publication_id).get(key)
        label = attribute.label if attribute else key
        if value is None:
            return f"Remove the value of “{label}”"
        text = attributes.show_value(attribute, value) if attribute else str(value)
        return f"Set “{label}” to “{text}”"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        sorting, value = Sorting(), change.values["value"]
        present, values = subscribed_ids(change, ids), _values(change, ids, locks=locks)
        for subscriber_id in ids:
            before = values.get(subscriber_id)
            if subscriber_id not in present:
                sorting.refuse(MISSING, subscriber_id)
            elif before == value and type(before) is type(value):
                reason = "have no value" if value is None else "have this value already"
                sorting.refuse(reason, subscriber_id)
            else:
                sorting.changing[subscriber_id] = before
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:  # noqa: ARG002
        key, value = change.values["attribute"], change.values["value"]
        if key not in attributes.attributes_of(change.publication_id):
            raise BulkError("The attribute was deleted meanwhile.")
        profiles.set_attribute(key, value, change.publication_id, ids)

    def undo(self, chunk: BulkChunk, before: Mapping[int, Any], now: datetime) -> int:  # noqa: ARG002
        change = chunk.change
        key, value = change.values["attribute"], change.values["value"]
        if key not in attributes.attributes_of(change.publication_id):
            return 0
        values = _values(change, before, locks=True)
        ids_by_value = defaultdict[Any, list[int]](list)
        for subscriber_id, earlier in before.items():
            if values.get(subscriber_id) == value:  # nobody changed it since
                ids_by_value[type(earlier), earlier].append(subscriber_id)
        for (_, earlier), ids in ids_by_value.items():
            profiles.set_attribute(key, earlier, change.publication_id, ids)
        return sum(map(len, ids_by_value.values()))


def _values(change: BulkChange, ids: Collection[int], *, locks: bool) -> dict[int, Any]:
    """Return the values that subscribers have."""
    rows = Profile.objects.filter(publication=change.publication_id, subscriber__in=ids)
    if locks:
        rows = rows.select_for_update().order_by("subscriber_id")
    documents = rows.values_list("subscriber_id", "attributes")
    return {pk: document.get(change.values["attribute"]) for pk, document in documents}
