"""The ways into a protected issue: a password, or a link sent to a subscriber's address."""

import re

import redis
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from digest.core import client_ip, clock, languages
from digest.core.errors import LinkGoneError
from digest.core.links import OUTDATED
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.selfservice import reading
from digest.selfservice.offers import Offer
from digest.sending.public_archive import cover_of, find_newsletter, teased_stories
from digest.subscribers.errors import TooManyError
from digest.transfers.models import PastIssue
from digest.web import answering, captcha, forms, problems, protected, visitor
from digest.web.archive_entries import Entry, find_entry
from digest.web.middleware import policy
from digest.web.refusals import link_page
from digest.web.signup import Answer, Outcome, submit

VIA = "archive"
_KEY = re.compile(r"\d{8}T\d{6}Z", re.ASCII)  # of an issue in the archive


@csrf_exempt  # a password, or the form's own token, without a cookie
@require_POST
def open_issue(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Check a password, or send a link to an address; the page of the issue has both forms."""
    entry = _entry(slug, key)
    access = protected.access_of(entry)
    if access == ArchiveAccess.PUBLIC:
        return redirect("issue", slug, key)
    with languages.override(visitor.language_for(request, entry.newsletter)) as tag:
        if access == ArchiveAccess.PASSWORD:
            return _check_password(request, entry)
        newsletter = entry.newsletter
        outcome = submit(
            forms.read_form(request),
            Offer(newsletter, [newsletter], [newsletter]),
            via=VIA,
            ip=client_ip.address(request),
            language=tag,
            now=clock.now(),
            reads=entry.key,
        )
        return teaser(request, entry, outcome)


@link_page
def read(request: HttpRequest, token: str) -> HttpResponse:
    """Open the archive to the subscriber whose mailbox the link was sent to.

    Where it is for members, the page says so to a subscriber who is none.
    """
    now = clock.now()
    link = reading.open_link(token, now)
    if link is None:
        return render(request, "archive/link_expired.html.j2", status=410)
    if not protected.is_subscribed(link.subscriber.pk, link.newsletter):
        raise LinkGoneError(OUTDATED)
    response = redirect("archive", link.newsletter.slug)
    if _KEY.fullmatch(key := request.GET.get("issue", "")):
        response = redirect("issue", link.newsletter.slug, key)
    if protected.is_recipient(link.subscriber.pk, link.newsletter, now):
        protected.remember_subscriber(response, link.subscriber, link.newsletter, now)
    return response


def teaser(
    request: HttpRequest,
    entry: Entry,
    outcome: Outcome | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show what a protected issue is about, and how to read it. No cache keeps the page."""
    newsletter, now = entry.newsletter, clock.now()
    stories = [] if isinstance(entry, PastIssue) else teased_stories(entry)
    widget = captcha.widget(now) if protected.access_of(entry) != ArchiveAccess.PASSWORD else None
    context = {
        "newsletter": newsletter,
        "issue": entry,
        "title": entry.subject or newsletter.name,
        "stories": stories,
        "cover": cover_of(stories),
        "zone": clock.zone(newsletter.publication.timezone),
        "access": protected.access_of(entry).value,
        "sent": outcome is not None and outcome.answer is Answer.ACCEPTED,
        "answer": outcome.answer.value if outcome else "",
        "problem": problem or (answering.describe(outcome) if outcome else ""),
        "email": request.POST.get("email", "")[:320],
        "token": forms.make_token(newsletter, now),
        "honeypot": forms.HONEYPOT,
        "page_address": "",
        "languages_path": reverse("issue", args=[newsletter.slug, entry.key]),
        "widget": widget,
    }
    status = answering.status_of(outcome) if outcome else status
    response = render(request, "archive/protected.html.j2", context, status=status)
    widened = dict(widget.sources) if widget else {}
    widened["img-src"] = " ".join(filter(None, (widened.get("img-src"), "https: http:")))
    response["Content-Security-Policy"] = policy(widened)
    return answering.with_retry_after(keep_private(response), outcome)


def keep_private(response: HttpResponse) -> HttpResponse:
    """Let no shared cache store what depends on who asks."""
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = "Cookie, Accept-Language"
    return response


def _check_password(request: HttpRequest, entry: Entry) -> HttpResponse:
    newsletter = entry.newsletter
    try:
        password = forms.readable_post(request).get("password", "")
        is_right = protected.enter_password(request, newsletter, password)
    except TooManyError as limit:
        response = teaser(request, entry, problem=problems.too_many(limit.seconds), status=429)
        response["Retry-After"] = str(limit.seconds)
        return response
    except redis.RedisError:
        return teaser(request, entry, problem=problems.unavailable(), status=503)
    if not is_right:
        problem = _("This is not the password. Check it, then try again.")
        return teaser(request, entry, problem=problem, status=403)
    response = redirect("issue", newsletter.slug, entry.key)
    protected.remember_password(response, newsletter, clock.now())
    return response


def _entry(slug: str, key: str) -> Entry:
    newsletter = find_newsletter(slug)
    entry = find_entry(newsletter, key) if newsletter else None
    if entry is None:
        raise Http404
    return entry
