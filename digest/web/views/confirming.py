"""The links of notices that ask for a word: confirm a subscription, confirm or undo a move.

Each shows a page with one button. Only its POST changes anything: mail scanners and prefetchers
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
from digest.selfservice import address_change, signups
from digest.selfservice.signups import Joined
from digest.subscribers.errors import SubscriberError
from digest.web import visitor


@csrf_exempt  # the token alone is the right
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST alone) confirm; twice, late or after erasure gets a kind page."""
    now = clock.now()
    try:
        subscriber, *newsletters = _confirmation(token)
    except LinkError:
        return render(request, "confirm/unknown.html.j2", status=404)
    asked_at, late = _asked_at(token, now)
    if request.method == "POST" and not late:
        joined = signups.join(
            subscriber, newsletters, asked_at=asked_at, ip=client_ip.address(request), now=now
        )
    else:
        joined = signups.standing(subscriber, newsletters, asked_at)
    return _confirm_page(request, joined, newsletters, late=late)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST alone) move a subscriber to the new address, or back to the old one."""
    purpose, change_id, late = _change(token, clock.now())
    if not purpose:
        return render(request, "confirm/unknown.html.j2", status=404)
    move = address_change.find(change_id)
    language = move.subscriber.language if move else ""
    with languages.spoken(visitor.language(request, language)):
        context = {"purpose": purpose, "late": late, "known": move is not None}
        if request.method != "POST" or late or move is None:
            return render(request, "confirm/change.html.j2", context | {"done": False})
        try:
            act = address_change.confirm if purpose == "change" else address_change.undo
            done = act(change_id, clock.now())
        except SubscriberError:
            return render(request, "confirm/taken.html.j2", status=409)
        # Pressed twice is as good as once.
        return render(
            request, "confirm/change.html.j2", context | {"done": True, "again": not done}
        )


def _confirmation(token: str) -> tuple[int, ...]:
    """Return subscriber and newsletters of a confirmation link, expired or not."""
    try:
        found = links.read_until("confirm", token, clock.now())
    except LinkExpiredError as late:
        found = late.ids
    if len(found) < 2:
        raise LinkError(links.DAMAGED)
    return found


def _asked_at(token: str, now: datetime) -> tuple[datetime, bool]:
    """Return when a confirmation link was made, and whether its time is over."""
    until, *_ = links.read("confirm", token)
    end = datetime.fromtimestamp(until, tz=now.tzinfo)
    return end - CONFIRM_LASTS, now > end + timedelta(seconds=1)


def _confirm_page(
    request: HttpRequest, joined: Joined, newsletter_ids: list[int], *, late: bool
) -> HttpResponse:
    shown = joined.any or _newsletter(newsletter_ids)
    with languages.spoken(visitor.language_for(request, shown, joined.language)):
        context = {
            "newsletter": shown,
            "joined": joined,
            "late": late,
            "done": request.method == "POST",
            "preferences": links.preferences_url(joined.subscriber_id, shown.publication_id)
            if shown
            else "",
        }
        return render(request, "confirm/page.html.j2", context)


def _newsletter(newsletter_ids: list[int]) -> Newsletter | None:
    known = Newsletter.objects.select_related("publication").filter(pk__in=newsletter_ids)
    return known.first()


def _change(token: str, now: datetime) -> tuple[str, int, bool]:
    """Return what a link about a move is for, its change, and whether it is late."""
    for purpose in ("change", "change-undo"):
        try:
            (change_id,) = links.read_until(purpose, token, now)
        except LinkExpiredError as late:
            return purpose, late.ids[0] if late.ids else 0, True
        except (LinkError, ValueError):
            continue
        return purpose, change_id, False
    return "", 0, False
