"""Tags and attribute values of a subscriber in one publication, changed on their page."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from digest.console.access import get_subscriber, record_action, scope_of
from digest.console.audience.profile import ATTRIBUTE
from digest.console.pages import action_view, done
from digest.console.subscribers import show
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.subscribers import profiles


@action_view(Right.SUBSCRIBERS)
def save(request: HttpRequest, pk: int, publication: int) -> HttpResponse:
    """Save a subscriber's tags and attribute values in one publication."""
    subscriber, scope = get_subscriber(request, pk), scope_of(request, Right.SUBSCRIBERS)
    row = get_object_or_404(scope.publications(), pk=publication)
    if not subscriber.subscriptions.filter(newsletter__publication=row).exists():
        raise Http404
    try:
        with transaction.atomic():
            _save_tags(request, pk, row.pk)
            profiles.set_attributes(pk, row.pk, _changed_values(request))
    except DigestError as problem:
        messages.error(request, f"{problem} Nothing was saved.")
        return show(request, pk, {row.pk: request.POST})
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
        name.removeprefix(ATTRIBUTE): value
        for name, value in fields.items()
        if name.startswith(ATTRIBUTE) and fields.get(f"{_ORIGINAL}{name}") != value
    }


_ORIGINAL = "original-"
