"""Leaving by the link in a mail: one POST, and a page that lets one think again."""

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digest.core import client_ip, clock, languages, links
from digest.core.errors import LinkError
from digest.core.links import SubscriberLink, read_unsubscribe_token
from digest.subscribers import preferences
from digest.web import leaving, visitor
from digest.web.leaving import Place, Standing


@csrf_exempt  # RFC 8058 §3.2: a mail program posts without cookies; the token alone is the right
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST alone) unsubscribe at once; no redirect, no cookie (RFC 8058 §3.1)."""
    try:
        link = read_unsubscribe_token(token)
    except LinkError:
        return render(request, "unsubscribe/unknown.html.j2", status=404)
    said = _act(request, link) if request.method == "POST" else ""
    return _page(request, link, leaving.look(link), said)


def _act(request: HttpRequest, link: SubscriberLink) -> str:
    """Do what the POST asks for and return a word for it; any that we don't know means: leave."""
    sent, ip, now = _sent(request), client_ip.address(request), clock.now()
    action = sent.get("action", "")
    if action in {"undo", "less-often"}:
        back = leaving.undo(link, sent.get("undo", ""), ip=ip, now=now)
        rarer = action == "less-often" and _less_often(link, sent.get("cadence", ""))
        return "less-often" if rarer else "back" if back else "too-late"
    if action == "reason":
        noted = leaving.say_why(link, sent.get("reason", ""), sent.get("words", ""), now)
        return "noted" if noted else "left"
    if action == "all":
        leaving.leave_all(link, ip=ip, now=now)
        return "left-all"
    via = "one-click" if sent.get("List-Unsubscribe") == "One-Click" else "page"
    leaving.leave(link, via=via, ip=ip, now=now)
    return "left"


def _less_often(link: SubscriberLink, cadence: str) -> bool:
    place = leaving.look(link)
    if place.standing is not Standing.READS or place.newsletter is None:
        return False
    return preferences.choose_cadence(link.subscriber, place.newsletter, cadence)


def _page(request: HttpRequest, link: SubscriberLink, place: Place, said: str) -> HttpResponse:
    newsletter = place.newsletter
    with languages.spoken(visitor.language_for(request, newsletter, place.language)):
        context = {
            "newsletter": newsletter,
            "place": place,
            "standing": place.standing.name,
            "said": said,
            "undo": leaving.undo_token(link) if said else "",
            "preferences": links.preferences_url(link.subscriber, newsletter.publication_id)
            if newsletter
            else "",
        }
        return render(request, "unsubscribe/page.html.j2", context)


def _sent(request: HttpRequest) -> QueryDict:
    """Return the form; a body nobody can read is still a wish to leave."""
    try:
        return request.POST
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        return QueryDict()
