"""What a publication knows of a subscriber: tags, attribute values and segments, on their page."""

from typing import Any

from django.http import QueryDict

from digest.core import clock
from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.models import Publication
from digest.subscribers import attributes, profiles
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import wording
from digest.subscribers.segments.membership import Membership, memberships_of, segment_ids
from digest.tenancy.scope import PublicationScope

MOST_SEGMENTS = 20  # that a subscriber's page looks at
ATTRIBUTE = "attribute-"  # before its key, in the name of a field


def cards(
    subscriber: Subscriber, scope: PublicationScope, entered: dict[int, QueryDict]
) -> list[dict[str, Any]]:
    """Return what each publication in scope knows of a subscriber, with the fields of a form.

    `entered` is what could not be saved, by publication: the form still has it.
    """
    subscriptions = subscriber.subscriptions.values("newsletter__publication")
    publications = scope.publications().filter(pk__in=subscriptions).order_by("name", "pk")
    return [_card(subscriber, row, entered.get(row.pk, QueryDict())) for row in publications]


def _card(subscriber: Subscriber, publication: Publication, entered: QueryDict) -> dict[str, Any]:
    profile = profiles.profile_of(subscriber.pk, publication.pk)
    rows = attributes.attributes_of(publication.pk)
    tags = ", ".join(profile.tags)
    return {
        "id": f"profile-{publication.pk}",
        "publication": publication,
        "tags": entered.get("tags", tags),
        "original_tags": tags,
        "segments": _segments(subscriber, publication),
        "fields": [_field(row, profile.attributes.get(key), entered) for key, row in rows.items()],
    }


def _segments(subscriber: Subscriber, publication: Publication) -> list[tuple[Segment, str]]:
    """Return the segments that a subscriber belongs to now, and why: the rules that hold."""
    now, rows = clock.now(), Segment.objects.filter(publication=publication).order_by("name", "pk")
    memberships = memberships_of(rows.values_list("pk", flat=True)[:MOST_SEGMENTS], now)
    ids = Subscriber.objects.filter(pk=subscriber.pk).values_list(segment_ids(memberships, "pk"))
    own_ids = set(ids.get()[0])
    rules = {row.segment_id: row for row in memberships}
    return [
        (row, _reason(rules[row.pk], subscriber))
        for row in rows.filter(pk__in=own_ids)[:MOST_SEGMENTS]
    ]


def _reason(membership: Membership, subscriber: Subscriber) -> str:
    if membership.rules is None or not membership.rules.rules:
        return wording.EVERYONE
    rows = wording.reasons(membership.catalog, membership.rules, subscriber, membership.at)
    return "; ".join(text for text, holds in rows if holds)


def _field(attribute: Attribute, value: attributes.Value, entered: QueryDict) -> dict[str, Any]:
    kinds = {Attribute.Kind.NUMBER: "text", Attribute.Kind.DATE: "date"}
    choices = [*attribute.choices]
    if attribute.kind == Attribute.Kind.BOOLEAN:
        choices = ["Yes", "No"]
    text = attributes.show_value(attribute, value)
    if choices and text and text not in choices:
        choices.append(text)  # offered no more, but theirs
    name = f"{ATTRIBUTE}{attribute.key}"
    return {
        "name": name,
        "label": attribute.label,
        "value": entered.get(name, text),
        "original": text,
        "type": kinds.get(Attribute.Kind(attribute.kind), "text"),
        "mode": "decimal" if attribute.kind == Attribute.Kind.NUMBER else "text",
        "choices": choices,
    }
