"""The link of the question whether an inactive subscriber wants to stay."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from digest.bounces.sunset import asking
from digest.core import clock, languages, links
from digest.selfservice.linked_rows import subscriber_and_newsletter
from digest.web import visitor
from digest.web.refusals import link_page


@link_page
def stay(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST only) go on sending: scanners open links, and never press buttons."""
    link = links.read_rows("stay", token, count=2)
    subscriber, newsletter = subscriber_and_newsletter(link)
    if request.method == "POST":
        asking.stay(subscriber, newsletter, clock.now())
    with languages.override(visitor.language_for(request, newsletter, subscriber.language)):
        context = {
            "newsletter": newsletter,
            "done": request.method == "POST",
            "preferences": links.preferences_url(subscriber, newsletter.publication),
        }
        return render(request, "preferences/stay.html.j2", context)
