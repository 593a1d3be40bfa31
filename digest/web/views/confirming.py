"""The links of notices that ask to confirm a subscription, or to confirm or undo an address change.

Each opens a page with one button. Only its POST changes anything: mail scanners and prefetchers
open links, and never press buttons.
"""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from digest.core import client_ip, clock, languages, links
from digest.newsletters.models import Newsletter
from digest.selfservice import address_change, confirmation
from digest.selfservice.confirmation import Confirmation, ConfirmationLink
from digest.subscribers.errors import SubscriberError
from digest.web import visitor
from digest.web.refusals import link_page


@link_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST only) confirm; repeated, expired and erased requests get a page too."""
    now = clock.now()
    link = confirmation.open_link(token, now)
    if request.method == "POST" and not link.expired:
        outcome = confirmation.confirm(link, ip=client_ip.address(request), now=now)
    else:
        outcome = confirmation.get_confirmation(link)
    return _confirmation_page(request, outcome, link)


@link_page
def change(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST only) change a subscriber's address, or undo the change."""
    link = address_change.open_link(token, clock.now())
    change = link.change
    language = change.subscriber.language if change else ""
    with languages.override(visitor.language(request, language)):
        done = False
        if request.method == "POST" and not link.expired and change is not None:
            try:  # a repetition changes nothing and gets the same page
                done = _change_address(change.pk, undo=link.undo)
            except SubscriberError:
                return render(request, "confirm/address_in_use.html.j2", status=409)
            if not done:
                change = None  # replaced
        context = {"change": change, "undo": link.undo, "expired": link.expired, "done": done}
        return render(request, "confirm/change.html.j2", context)


def _change_address(change_id: int, *, undo: bool) -> bool:
    if undo:
        return address_change.undo(change_id)
    return address_change.confirm(change_id, clock.now())


def _confirmation_page(
    request: HttpRequest, outcome: Confirmation, link: ConfirmationLink
) -> HttpResponse:
    newsletter = next(iter(outcome.newsletters), None) or _newsletter(link.newsletter_ids)
    language = outcome.subscriber.language if outcome.subscriber else ""
    with languages.override(visitor.language_for(request, newsletter, language)):
        context = {
            "newsletter": newsletter,
            "confirmation": outcome,
            "expired": link.expired,
            "done": request.method == "POST",
            "preferences": links.preferences_url(outcome.subscriber, newsletter.publication)
            if newsletter and outcome.subscriber
            else "",
        }
        return render(request, "confirm/page.html.j2", context)


def _newsletter(newsletter_ids: Sequence[int]) -> Newsletter | None:
    newsletters = Newsletter.objects.select_related("publication").filter(pk__in=newsletter_ids)
    return newsletters.first()
