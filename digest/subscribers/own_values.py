"""What subscribers see and set of their own attribute values, as each attribute allows it.

offered         the attributes of a form, with the values that it shows
read            what a form says of them
save            the values of somebody who used their own link
keep, apply     those of a sign-up, kept until the subscriber has confirmed it
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from digest.newsletters.audiences.models import Attribute
from digest.subscribers import attributes, profiles
from digest.subscribers.errors import InvalidInputError, SubscriberError
from digest.subscribers.evidence.requests import add_request, entered_after, entered_by
from digest.subscribers.models import Profile, Subscription

PREFIX = "attribute-"  # of a form's fields

Access = Attribute.Access


class OwnValue(NamedTuple):
    """An attribute on a public page."""

    attribute: Attribute
    name: str  # of the field
    value: str  # as the field holds it
    is_editable: bool

    @property
    def input_type(self) -> str:
        """The type of the field; a choice and a yes or no are selected."""
        types = {Attribute.Kind.DATE: "date", Attribute.Kind.NUMBER: "number"}
        return types.get(Attribute.Kind(self.attribute.kind), "text")


def offered_at_sign_up(publication_id: int) -> list[Attribute]:
    """Return the attributes that a sign-up form may have."""
    rows = attributes.attributes_of(publication_id).values()
    return [row for row in rows if row.access == Access.SIGN_UP]


def offered_in_preferences(subscriber_id: int, publication_id: int) -> list[OwnValue]:
    """Return the attributes that a subscriber sees, with their values."""
    values = profiles.profile_of(subscriber_id, publication_id).attributes
    return [
        OwnValue(
            row,
            f"{PREFIX}{key}",
            _field_text(values.get(key)),
            Access(row.access).is_editable,
        )
        for key, row in attributes.attributes_of(publication_id).items()
        if Access(row.access).is_visible
    ]


def read(rows: Sequence[Attribute], fields: Mapping[str, str]) -> dict[str, attributes.Value]:
    """Return the values in a form's fields; fields of other attributes are ignored.

    Raises SubscriberError, in the active language, for a value that is not of its type.
    """
    values = {}
    for row in rows:
        name = f"{PREFIX}{row.key}"
        if name in fields:
            values[row.key] = _read(row, fields[name])
    return values


def save(subscriber_id: int, publication_id: int, fields: Mapping[str, str]) -> None:
    """Save the values that a subscriber may change; raise SubscriberError as `read` does."""
    offered = offered_in_preferences(subscriber_id, publication_id)
    # A choice that is offered no more stays theirs: only what they changed is read.
    changed = {
        row.name: fields[row.name]
        for row in offered
        if row.value != fields.get(row.name) and row.name in fields
    }
    rows = [row.attribute for row in offered if row.is_editable]
    if values := read(rows, changed):
        profiles.merge_attributes(subscriber_id, publication_id, values)


@transaction.atomic
def keep(subscriber_id: int, publication_id: int, values: Mapping[str, Any], now: datetime) -> None:
    """Keep the values of a sign-up, which anybody may have sent, until it is confirmed."""
    key = {"subscriber_id": subscriber_id, "publication_id": publication_id}
    if not values and not Profile.objects.filter(**key, unconfirmed__isnull=False).exists():
        return
    profile = profiles.locked_profile(subscriber_id, publication_id)
    profile.unconfirmed = add_request(profile.unconfirmed, values, now, int(now.timestamp()))
    profile.save(update_fields=["unconfirmed"])


@transaction.atomic
def apply(subscriber_id: int, publication_id: int, written_at: datetime) -> None:
    """Apply the values of a sign-up that its subscriber has confirmed by a mail of a moment.

    Those of a later request wait for its own mail, if another newsletter is still to be confirmed.
    """
    waiting = Profile.objects.filter(
        subscriber=subscriber_id, publication=publication_id, unconfirmed__isnull=False
    )
    profile = waiting.select_for_update().first()
    if profile is None:
        return
    keys = {row.key for row in offered_at_sign_up(publication_id)}
    values = entered_by(profile.unconfirmed, written_at)
    profile.attributes |= {
        key: value for key, value in values.items() if key in keys and value is not None
    }
    later = entered_after(profile.unconfirmed, written_at)
    profile.unconfirmed = later if _is_pending(subscriber_id, publication_id) else None
    profile.save(update_fields=["attributes", "unconfirmed"])


def _is_pending(subscriber_id: int, publication_id: int) -> bool:
    return Subscription.objects.filter(
        subscriber=subscriber_id,
        newsletter__publication=publication_id,
        state=Subscription.State.PENDING,
    ).exists()


def _read(row: Attribute, text: str) -> attributes.Value:
    try:
        return attributes.read_value(row, text)
    except InvalidInputError as problem:
        message = _("%(field)s: this value cannot be saved. Check it, then try again.")
        raise SubscriberError(message % {"field": row.label}) from problem


def _field_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
