"""The link in every email that unsubscribes: one POST, and a page that offers alternatives."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from digest.core import client_ip, clock, languages, links
from digest.core.links import SubscriberLink
from digest.selfservice import unsubscribing
from digest.subscribers.errors import AddressSuppressedError
from digest.web import problems, visitor
from digest.web.forms import readable_post
from digest.web.refusals import link_page


@link_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST only) unsubscribe immediately; no redirect, no cookie (RFC 8058 §3.1)."""
    link = unsubscribing.open_link(token)
    result = _perform(request, link) if request.method == "POST" else ""
    return _page(request, link, result)


def _perform(request: HttpRequest, link: SubscriberLink) -> str:
    """Perform the action of a POST and return its result; an unknown action unsubscribes."""
    post, ip, now = readable_post(request), client_ip.address(request), clock.now()
    action = post.get("action", "")
    if action == "feedback":
        saved = unsubscribing.save_feedback(
            link, post.get("reason", ""), post.get("comment", ""), now
        )
        return "feedback-saved" if saved else "unsubscribed"
    if action in {"resubscribe", "less-often"}:
        try:
            resubscribed = unsubscribing.resubscribe(link, post.get("token", ""), ip=ip, now=now)
        except AddressSuppressedError:
            return "suppressed"
        if action == "less-often" and unsubscribing.receive_less_often(
            link, post.get("cadence", "")
        ):
            return "less-often"
        return "resubscribed" if resubscribed else "too-late"
    if action == "unsubscribe-all":
        unsubscribing.unsubscribe_from_all(link, ip=ip, now=now)
        return "unsubscribed-all"
    via = "one-click" if post.get("List-Unsubscribe") == "One-Click" else "page"
    unsubscribing.unsubscribe(link, via=via, ip=ip, now=now)
    return "unsubscribed"


def _page(request: HttpRequest, link: SubscriberLink, result: str) -> HttpResponse:
    subscription = unsubscribing.get_subscription(link)
    newsletter, subscriber = subscription.newsletter, subscription.subscriber
    language = subscriber.language if subscriber else ""
    with languages.override(visitor.language_for(request, newsletter, language)):
        context = {
            "newsletter": newsletter,
            "status": subscription.status.name,
            "result": result,
            "problem": problems.suppressed() if result == "suppressed" else "",
            "other_count": subscription.other_count,
            "rarer_cadences": subscription.rarer_cadences,
            "resubscribe_token": unsubscribing.resubscribe_token(link)
            if result not in {"", "suppressed"}
            else "",
            "preferences": links.preferences_url(subscriber, newsletter.publication)
            if newsletter and subscriber
            else "",
        }
        return render(request, "unsubscribe/page.html.j2", context)
