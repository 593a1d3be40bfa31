"""The choices of an attribute change: what subscribers have and segments ask for stays true.

Values are compared exactly, and read whatever their capitals are. So a choice that is spelled
differently is spelled so everywhere, and one that a segment asks for is not taken away.
"""

from collections.abc import Collection

from django.dispatch import Signal

from digest.core.database.statements import execute
from digest.newsletters.audiences import usage
from digest.newsletters.audiences.models import Attribute
from digest.subscribers.errors import SubscriberError
from digest.subscribers.segments.rules import read_rules, respell, values_of

changed = Signal()  # sent with the `attribute`, in the transaction that has saved it


def apply(attribute: Attribute, old_choices: Collection[str]) -> None:
    """Give values and rules the spelling of the attribute's new choices, in a transaction.

    Raises SubscriberError where a segment asks for a choice that is gone, or for one that is
    spelled differently while an issue goes out to that segment.
    """
    by_key = {choice.casefold(): choice for choice in attribute.choices}
    spellings = {
        old: by_key[old.casefold()]
        for old in old_choices
        if old.casefold() in by_key and old not in attribute.choices
    }
    removed = {old for old in old_choices if old.casefold() not in by_key}
    _change_segments(attribute, spellings, removed)
    added = set(attribute.choices).difference(old_choices)
    for choice in sorted(added):  # also of those who kept one that was taken away earlier
        olds = [old for old, new in spellings.items() if new == choice]
        _change_values(attribute, choice, [choice, *olds])


def _change_segments(
    attribute: Attribute, spellings: dict[str, str], removed: Collection[str]
) -> None:
    for segment in attribute.publication.segments.all():
        values = values_of(segment.rules, attribute.key)
        if needed := sorted(values.intersection(removed)):
            raise SubscriberError(
                f"The segment “{segment}” asks for “{needed[0]}”. Change the segment first."
            )
        if values.isdisjoint(spellings):
            continue
        if issue := usage.issue_with_segment(segment):
            raise SubscriberError(
                f"{issue} is going out to subscribers of the segment “{segment}”. "
                "Wait until it is sent, or cancel it."
            )
        rules = respell(read_rules(segment.rules), attribute.key, spellings)
        segment.rules = rules.document()
        segment.save(update_fields=["rules"])


def _change_values(attribute: Attribute, choice: str, spellings: Collection[str]) -> None:
    # Raw SQL: the ORM cannot set a key of documents.
    key = attribute.key
    lowered = [spelling.lower() for spelling in spellings]
    execute(_RESPELL, [key, choice, attribute.publication_id, key, lowered, key, choice])


_RESPELL = """
UPDATE subscribers_profile SET attributes = jsonb_set(attributes, ARRAY[%s], to_jsonb(%s::text))
WHERE publication_id = %s AND lower(attributes ->> %s) = ANY(%s) AND attributes ->> %s <> %s
"""
