"""The links of notices that ask to confirm a subscription, or to confirm or undo an address change.

Each opens a page with one button. Only its POST changes anything: mail scanners and prefetchers
open links, and never press buttons.
"""

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digest.core import client_ip, clock, languages, links
from digest.core.errors import LinkError, LinkExpiredError
from digest.newsletters.models import Newsletter
from digest.notices.content import CONFIRM_LASTS
from digest.selfservice import address_change, confirmation
from digest.selfservice.confirmation import Confirmation
from digest.subscribers.errors import SubscriberError
from digest.web import visitor

INVALID_LINK = "invalid_link.html.j2"


@csrf_exempt  # the token alone authorises
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST only) confirm; repeated, expired and erased requests get a page too."""
    now = clock.now()
    try:
        subscriber_id, *newsletter_ids = _confirmation_ids(token)
    except LinkError:
        return render(request, INVALID_LINK, status=404)
    requested_at, expired = _requested_at(token, now)
    if request.method == "POST" and not expired:
        outcome = confirmation.confirm(
            subscriber_id,
            newsletter_ids,
            requested_at=requested_at,
            ip=client_ip.address(request),
            now=now,
        )
    else:
        outcome = confirmation.get_confirmation(subscriber_id, newsletter_ids, requested_at)
    return _confirmation_page(request, outcome, newsletter_ids, expired=expired)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST only) change a subscriber's address, or undo the change."""
    purpose, change_id, expired = _change_link(token, clock.now())
    if not purpose:
        return render(request, INVALID_LINK, status=404)
    undo = purpose == "change-undo"
    change = address_change.find_change(change_id)
    language = change.subscriber.language if change else ""
    with languages.override(visitor.language(request, language)):
        done = request.method == "POST" and not expired and change is not None
        if done:
            try:  # a repetition changes nothing and gets the same page
                if undo:
                    address_change.undo(change_id)
                else:
                    address_change.confirm(change_id, clock.now())
            except SubscriberError:
                return render(request, "confirm/address_in_use.html.j2", status=409)
        context = {"change": change, "undo": undo, "expired": expired, "done": done}
        return render(request, "confirm/change.html.j2", context)


def _confirmation_ids(token: str) -> tuple[int, ...]:
    """Return subscriber and newsletters of a confirmation link, expired or not."""
    try:
        ids = links.read_until("confirm", token, clock.now())
    except LinkExpiredError as problem:
        ids = problem.ids
    if len(ids) < 2:
        raise LinkError(links.DAMAGED)
    return ids


def _requested_at(token: str, now: datetime) -> tuple[datetime, bool]:
    """Return when a confirmation link was made, and whether it has expired."""
    until, *_ids = links.read("confirm", token)
    end = datetime.fromtimestamp(until, tz=now.tzinfo)
    return end - CONFIRM_LASTS, now > end + timedelta(seconds=1)


def _confirmation_page(
    request: HttpRequest, outcome: Confirmation, newsletter_ids: list[int], *, expired: bool
) -> HttpResponse:
    newsletter = next(iter(outcome.newsletters), None) or _newsletter(newsletter_ids)
    with languages.override(visitor.language_for(request, newsletter, outcome.language)):
        context = {
            "newsletter": newsletter,
            "confirmation": outcome,
            "expired": expired,
            "done": request.method == "POST",
            "preferences": links.preferences_url(outcome.subscriber_id, newsletter.publication_id)
            if newsletter
            else "",
        }
        return render(request, "confirm/page.html.j2", context)


def _newsletter(newsletter_ids: list[int]) -> Newsletter | None:
    newsletters = Newsletter.objects.select_related("publication").filter(pk__in=newsletter_ids)
    return newsletters.first()


def _change_link(token: str, now: datetime) -> tuple[str, int, bool]:
    """Return a link's purpose ("" if it is invalid), the address change, and if it expired."""
    for purpose in ("change", "change-undo"):
        try:
            (change_id,) = links.read_until(purpose, token, now)
        except LinkExpiredError as problem:
            return purpose, problem.ids[0] if problem.ids else 0, True
        except (LinkError, ValueError):
            continue
        return purpose, change_id, False
    return "", 0, False
