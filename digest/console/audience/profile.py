"""What a publication knows of a subscriber: tags and attribute values, changed on their page."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import get_subscriber, record_action, scope_of
from digest.console.pages import action_view, done
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.subscribers import attributes, profiles
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import wording
from digest.subscribers.segments.membership import Membership, memberships_of, segment_ids
from digest.tenancy.scope import PublicationScope

MOST_SEGMENTS = 20  # that a subscriber's page looks at


@action_view(Right.SUBSCRIBERS)
def save(request: HttpRequest, pk: int, publication: int) -> HttpResponse:
    """Save a subscriber's tags and attribute values in one publication."""
    subscriber, scope = get_subscriber(request, pk), scope_of(request, Right.SUBSCRIBERS)
    row: Publication = get_object_or_404(scope.publications(), pk=publication)
    if not subscriber.subscriptions.filter(newsletter__publication=row).exists():
        raise Http404
    try:
        with transaction.atomic():
            _save_tags(request, pk, row.pk)
            profiles.set_attributes(pk, row.pk, _changed_values(request))
    except DigestError as problem:
        messages.error(request, f"{problem} Nothing was saved.")
        return redirect("subscriber", pk)
    record_action(request, "changed tags and attributes", subscriber.email, row.pk)
    return done(request, "Tags and attributes were saved.", "subscriber", pk)


def _save_tags(request: HttpRequest, subscriber_id: int, publication_id: int) -> None:
    """Add the tags that the user added, and remove those that they removed; others stay."""
    if "tags" not in request.POST:
        return
    current = set(profiles.locked_profile(subscriber_id, publication_id).tags)
    original = request.POST.get("original-tags")
    before = current if original is None else set(profiles.split_tags(original))
    after = set(profiles.split_tags(request.POST["tags"]))
    profiles.set_tags(subscriber_id, publication_id, current - (before - after) | (after - before))


def _changed_values(request: HttpRequest) -> dict[str, str]:
    """Return the values, by key, that differ from those with which the page was opened.

    So nothing is undone that changed meanwhile, and a choice that is offered no more can stay.
    """
    fields = {name: str(value) for name, value in request.POST.items()}
    return {
        name.removeprefix(_ATTRIBUTE): value
        for name, value in fields.items()
        if name.startswith(_ATTRIBUTE) and fields.get(f"{_ORIGINAL}{name}") != value
    }


_ATTRIBUTE, _ORIGINAL = "attribute-", "original-"


def cards(subscriber: Subscriber, scope: PublicationScope) -> list[dict[str, Any]]:
    """Return what each publication in scope knows of a subscriber, with the fields of a form."""
    subscriptions = subscriber.subscriptions.values("newsletter__publication")
    publications = scope.publications().filter(pk__in=subscriptions).order_by("name", "pk")
    return [_card(subscriber, publication) for publication in publications]


def _card(subscriber: Subscriber, publication: Publication) -> dict[str, Any]:
    profile = profiles.profile_of(subscriber.pk, publication.pk)
    rows = attributes.attributes_of(publication.pk)
    return {
        "id": f"profile-{publication.pk}",
        "publication": publication,
        "tags": ", ".join(profile.tags),
        "segments": _segments(subscriber, publication),
        "fields": [_field(row, profile.attributes.get(key)) for key, row in rows.items()],
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


def _field(attribute: Attribute, value: attributes.Value) -> dict[str, Any]:
    kinds = {Attribute.Kind.NUMBER: "text", Attribute.Kind.DATE: "date"}
    choices = [*attribute.choices]
    if attribute.kind == Attribute.Kind.BOOLEAN:
        choices = ["Yes", "No"]
    text = attributes.show_value(attribute, value)
    if choices and text and text not in choices:
        choices.append(text)  # offered no more, but theirs
    return {
        "name": f"{_ATTRIBUTE}{attribute.key}",
        "label": attribute.label,
        "value": text,
        "type": kinds.get(Attribute.Kind(attribute.kind), "text"),
        "mode": "decimal" if attribute.kind == Attribute.Kind.NUMBER else "text",
        "choices": choices,
    }
