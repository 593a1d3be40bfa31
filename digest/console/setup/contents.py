"""The sources, found from a site's URL, and the newsletter."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.articles import discovery
from digest.articles.models import Article
from digest.console.access import parse_id, record_action, user_of
from digest.console.pages import done, form_view, problems_on
from digest.console.setup.forms import NewsletterForm, SourceForm
from digest.console.setup.steps import Step, newsletter_of
from digest.console.setup.views import get_publication, page
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import contributions, setup, sourcing, suggesting
from digest.newsletters.choices import Approval
from digest.newsletters.members import Right
from digest.newsletters.models import REVIEW_MINUTES, Newsletter, Publication

LISTED_ARTICLES = 6  # of each source
SAMPLED_ARTICLES = 200  # newest articles that the schedule is suggested from


@form_view(Right.MANAGE, everywhere=True)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Find the feeds of a site, and show the articles of each source."""
    publication = get_publication(request, pk)
    if source_id := parse_id(request.POST.get("remove", "")):
        return _remove_source(request, publication, source_id)
    data = request.POST if request.method == "POST" else None
    form = SourceForm(data, initial={"url": publication.url})
    choices: list[discovery.Candidate] = []
    if form.is_valid():
        try:
            choices = _find_feeds(request, form.cleaned_data["url"])
            if len(choices) == 1:
                with contributions.noted(user_of(request), publication):
                    added = sourcing.add_to_publication(publication, choices[0], clock.now())
                record_action(request, "added a source", added, publication.pk)
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
        sources=_sources(publication),
    )


@form_view(Right.MANAGE, everywhere=True)
def newsletter(request: HttpRequest, pk: int) -> HttpResponse:
    """Set up the newsletter, or change it."""
    publication, now = get_publication(request, pk), clock.now()
    if not sourcing.sources_of(publication).exists():
        return redirect("setup:source", pk)
    existing = newsletter_of(publication)
    initial = _current_values(existing) if existing else _suggested_values(publication, now)
    form = NewsletterForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            with contributions.noted(user_of(request), publication):
                saved = _save(publication, existing, form.cleaned_data, now)
            verb = "changed" if existing else "added"
            record_action(request, f"{verb} the newsletter", saved, publication.pk)
            return redirect("setup:test", pk)
    return page(request, Step.NEWSLETTER, publication, form=form, existing=existing)


def _find_feeds(request: HttpRequest, url: str) -> list[discovery.Candidate]:
    """Return the feeds of a site, or only the chosen feed if it is among them."""
    feeds = discovery.find_all(url)
    chosen = [feed for feed in feeds if feed.url == request.POST.get("chosen")]
    return chosen or feeds


def _remove_source(request: HttpRequest, publication: Publication, pk: int) -> HttpResponse:
    source = get_object_or_404(sourcing.sources_of(publication), pk=pk)
    name = str(source)
    with contributions.noted(user_of(request), publication):
        sourcing.detach(publication, source)
    record_action(request, "removed a source", name, publication.pk)
    return done(request, f"{source} was removed.", "setup:source", publication.pk)


def _sources(publication: Publication) -> list[dict[str, Any]]:
    """Return the sources with their newest articles, the newest source first."""
    sources = sourcing.sources_of(publication).annotate(number=Count("articles", distinct=True))
    return [
        {
            "source": source,
            "number": source.number,
            "articles": [
                (
                    article,
                    clock.format_moment(article.available_at, clock.zone(publication.timezone)),
                )
                for article in source.articles.order_by("-available_at", "pk")[:LISTED_ARTICLES]
            ],
        }
        for source in sources.order_by("-pk")
    ]


@transaction.atomic
def _save(
    publication: Publication, existing: Newsletter | None, values: dict[str, Any], now: datetime
) -> Newsletter:
    name, max_stories = values.pop("name"), values.pop("max_stories")
    policy = _approval_policy(values.pop("approval"), existing)
    if existing:
        setup.change_newsletter(existing, name=name, max_stories=max_stories, **policy)
        setup.set_schedule(existing, now=now, **values)
        return existing
    slug = suggesting.free_slug(Newsletter, name, publication.url)
    newsletter = setup.create_newsletter(
        publication, slug=slug, name=name, max_stories=max_stories, now=now, **policy, **values
    )
    newsletter.sources.set(sourcing.sources_of(publication))
    return newsletter


def _approval_policy(approval: str, existing: Newsletter | None) -> dict[str, Any]:
    """Return who approves, and how long an issue can be reviewed; {} if that stays as it is."""
    if existing and existing.approval == approval:
        return {}
    automatic = approval == Approval.NONE
    return {"approval": approval, "review_minutes": 0 if automatic else REVIEW_MINUTES}


def _current_values(newsletter: Newsletter) -> dict[str, Any]:
    schedule = getattr(newsletter, "schedule", None)
    values = {
        "days": schedule.days if schedule else [],
        "at": schedule.time if schedule else None,
        "timezone": schedule.timezone if schedule else newsletter.publication.timezone,
    }
    return values | {
        "name": newsletter.name,
        "max_stories": newsletter.max_stories,
        "approval": newsletter.approval,
    }


def _suggested_values(publication: Publication, now: datetime) -> dict[str, Any]:
    articles = Article.objects.filter(sources__in=sourcing.sources_of(publication)).order_by(
        "-available_at"
    )
    dates = list(articles.values_list("available_at", flat=True)[:SAMPLED_ARTICLES])
    suggestion = suggesting.suggested(publication.name, dates, now)
    return {
        "name": suggestion.name,
        "days": list(suggestion.days),
        "at": suggestion.at,
        "timezone": publication.timezone,
        "max_stories": 10,
        "approval": Approval.ANYONE,
    }
