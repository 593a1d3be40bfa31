"""What mail is made of: sources, found from a site's address, and the newsletter."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.articles import discovery
from digest.articles.models import Article
from digest.console.access import parse_id, right_required
from digest.console.setup.forms import NewsletterForm, SourceForm
from digest.console.setup.steps import Step, newsletter_of
from digest.console.setup.views import asked_or_told, find, page
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import setup, sourcing, suggesting
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication

SHOWN = 6  # articles of a source
JUDGED = 200  # newest articles that the schedule is suggested from


@asked_or_told
@right_required(Right.MANAGE, everywhere=True)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Find what is at an address, and show what came in."""
    publication = find(request, pk)
    if drop := parse_id(request.POST.get("drop", "")):
        return _drop(request, publication, drop)
    given = request.POST if request.method == "POST" else None
    form = SourceForm(given, initial={"url": publication.url})
    choices: list[discovery.Candidate] = []
    if form.is_valid():
        try:
            choices = _found(request, form.cleaned_data["url"])
            if len(choices) == 1:
                sourcing.add_to_publication(publication, choices[0].url, clock.now())
                return redirect("setup:source", pk)
        except DigestError as problem:
            form.add_error("url", str(problem))
            choices = []
    return page(
        request,
        Step.SOURCE,
        publication,
        form=form,
        choices=choices,
        sources=_shown(publication),
    )


@asked_or_told
@right_required(Right.MANAGE, everywhere=True)
def newsletter(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the newsletter up, or change it."""
    publication, now = find(request, pk), clock.now()
    if not sourcing.available_sources(publication).exists():
        return redirect("setup:source", pk)
    known = newsletter_of(publication)
    there = _as_it_is(known) if known else _suggested(publication, now)
    form = NewsletterForm(request.POST or None, initial=there)
    if request.method == "POST" and form.is_valid():
        try:
            _keep(publication, known, form.cleaned_data, now)
        except DigestError as problem:
            form.add_error(None, str(problem))
        else:
            return redirect("setup:test", pk)
    return page(request, Step.NEWSLETTER, publication, form=form, known=known)


def _found(request: HttpRequest, url: str) -> list[discovery.Candidate]:
    """Return what is at an address; the one alone that was chosen, if it is among them."""
    found = discovery.find_all(url)
    chosen = [one for one in found if one.url == request.POST.get("chosen")]
    return chosen or found


def _drop(request: HttpRequest, publication: Publication, pk: int) -> HttpResponse:
    gone = get_object_or_404(sourcing.available_sources(publication), pk=pk)
    sourcing.detach(publication, gone)
    messages.success(request, f"{gone} is no source any more.")
    return redirect("setup:source", publication.pk)


def _shown(publication: Publication) -> list[dict[str, Any]]:
    """Return sources with what came in, the youngest first."""
    known = sourcing.available_sources(publication).annotate(
        number=Count("articles", distinct=True)
    )
    return [
        {
            "source": one,
            "number": one.number,
            "articles": [
                (
                    article,
                    clock.format_moment(article.available_at, clock.zone(publication.timezone)),
                )
                for article in one.articles.order_by("-available_at", "pk")[:SHOWN]
            ],
        }
        for one in known.order_by("-pk")
    ]


@transaction.atomic
def _keep(
    publication: Publication, known: Newsletter | None, given: dict[str, Any], now: datetime
) -> None:
    name, most = given.pop("name"), given.pop("max_stories")
    if known:
        setup.change_newsletter(known, name=name, max_stories=most)
        setup.set_schedule(known, now=now, **given)
        return
    slug = suggesting.free_slug(Newsletter, name, publication.url)
    made = setup.create_newsletter(
        publication, slug=slug, name=name, max_stories=most, now=now, **given
    )
    made.sources.set(sourcing.available_sources(publication))


def _as_it_is(known: Newsletter) -> dict[str, Any]:
    schedule = getattr(known, "schedule", None)
    when = {
        "days": schedule.days if schedule else [],
        "at": schedule.time if schedule else None,
        "timezone": schedule.timezone if schedule else known.publication.timezone,
    }
    return when | {"name": known.name, "max_stories": known.max_stories}


def _suggested(publication: Publication, now: datetime) -> dict[str, Any]:
    theirs = Article.objects.filter(sources__in=sourcing.available_sources(publication)).order_by(
        "-available_at"
    )
    moments = list(theirs.values_list("available_at", flat=True)[:JUDGED])
    one = suggesting.suggested(publication.name, moments, now)
    return {
        "name": one.name,
        "days": list(one.days),
        "at": one.at,
        "timezone": publication.timezone,
        "max_stories": 10,
    }
