"""Suppress the address of a subscriber for the newsletters that a user reaches, and lift that.

Who edits every publication suppresses an address for all newsletters, also for later ones;
everybody else for those that they edit, so that no publication silences an address for another one.
"""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import get_subscriber, record_action, scope_of
from digest.console.pages import action_view, done
from digest.core import clock
from digest.core.text import one_line
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.subscribers import suppression
from digest.subscribers.models import Subscriber, Suppression
from digest.subscribers.suppression import BOUNCED, COMPLAINED, OWN_WISHES
from digest.tenancy.scope import PublicationScope

_NOT_LIFTED = (
    "Nothing was removed: this suppression is for all newsletters, and only somebody who edits "
    "every publication can remove it."
)


@action_view(Right.SUBSCRIBERS)
def suppress(request: HttpRequest, pk: int) -> HttpResponse:
    """Suppress a subscriber's address, or remove the suppression."""
    subscriber, scope = get_subscriber(request, pk), scope_of(request, Right.SUBSCRIBERS)
    if request.POST.get("lift"):
        return _lift(request, subscriber, scope)
    evidence = request.POST.get("reason", "").strip()[:200] or "asked"
    targets = _targets(scope)
    for newsletter in targets:
        suppression.suppress(
            subscriber.address_key,
            reason="asked",
            evidence=evidence,
            newsletter=newsletter,
            now=clock.now(),
        )
    names = ", ".join(newsletter.name for newsletter in targets if newsletter)
    whole = f"suppressed for {names}" if names else "suppressed"
    _record(request, "suppressed", subscriber, targets)
    return done(request, f"{subscriber.email} is {whole}.", "subscriber", pk)


def is_suppressed(subscriber: Subscriber, scope: PublicationScope) -> bool:
    """Say whether no newsletter in scope may mail a subscriber, even if they request it."""
    if suppression.is_suppressed_everywhere(subscriber.address_key):
        return True
    if scope.is_everything:
        return False
    rows = suppression.suppressions_of(subscriber.address_key).exclude(reason__in=OWN_WISHES)
    newsletter_ids = set(scope.newsletters().values_list("pk", flat=True))
    return newsletter_ids <= set(rows.values_list("newsletter_id", flat=True))


def may_lift(row: Suppression, subscriber: Subscriber, scope: PublicationScope) -> bool:
    """Say whether a user may remove a suppression; what is their own wish, only subscribers do.

    One for all newsletters is everybody's. But a bounce or complaint of somebody who has only
    subscriptions in scope came of this mail, so who edits a publication may remove it.
    """
    if row.reason in OWN_WISHES:
        return False
    if scope.is_everything:
        return True
    if row.newsletter:
        return scope.includes(row.newsletter.publication_id, row.newsletter_id)
    outside = subscriber.subscriptions.exclude(scope.condition("newsletter__publication"))
    is_of_mail = row.reason in {BOUNCED, COMPLAINED}
    return bool(scope.publication_ids) and is_of_mail and not outside.exists()


def _targets(scope: PublicationScope) -> list[Newsletter | None]:
    """Return for which newsletters a user suppresses; None is all of them."""
    return [None] if scope.is_everything else [*scope.newsletters().order_by("name")]


def _lift(request: HttpRequest, subscriber: Subscriber, scope: PublicationScope) -> HttpResponse:
    """Remove the suppression that is named, or all that the user may remove."""
    reason = one_line(request.POST.get("reason", ""), 200)
    if not reason:
        messages.error(request, "Say why mail may be sent again. Nothing was changed.")
        return redirect("subscriber", pk=subscriber.pk)
    rows = suppression.suppressions_of(subscriber.address_key)
    if slug := request.POST.get("newsletter", ""):
        newsletter = get_object_or_404(scope.newsletters(), slug=slug)
        rows = rows.filter(newsletter=newsletter)
    elif scope.is_everything:
        rows = rows.filter(newsletter=None)
    liftable = [row for row in rows if may_lift(row, subscriber, scope)]
    for row in liftable:
        suppression.lift(subscriber.address_key, newsletter=row.newsletter)
    if not liftable:
        messages.error(request, _NOT_LIFTED)
        return redirect("subscriber", pk=subscriber.pk)
    newsletters = [row.newsletter for row in liftable]
    _record(request, "removed the suppression", subscriber, newsletters, f": {reason}")
    return done(
        request, f"The suppression of {subscriber.email} was removed.", "subscriber", subscriber.pk
    )


def _record(
    request: HttpRequest,
    action: str,
    subscriber: Subscriber,
    newsletters: Sequence[Newsletter | None],
    note: str = "",
) -> None:
    """Record an action for each publication, with the names of its newsletters; None is all."""
    names: dict[int | None, list[str]] = {}
    for row in newsletters:
        names.setdefault(row.publication_id if row else None, []).append(row.name if row else "")
    for publication_id, of_publication in names.items():
        of_names = f" for {', '.join(of_publication)}" if publication_id else ""
        record_action(request, f"{action}{of_names}{note}", subscriber.email, publication_id)
