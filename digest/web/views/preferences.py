"""A subscriber's preferences, opened by their own link and without a password.

The link at the bottom of every email allows what a forwarded email may allow. Changing the address,
downloading all data and erasure take a secure link, sent to the mailbox within the last day.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from digest.core import client_ip, clock, languages
from digest.core.errors import DigestError
from digest.newsletters.models import Newsletter
from digest.selfservice import address_change, data_export, erasure
from digest.selfservice import preferences as selfservice
from digest.selfservice.preferences import LONGEST_PAUSE, Access, zone_of
from digest.selfservice.signups import preferences_wording
from digest.selfservice.topic_previews import headlines_of
from digest.subscribers import own_values, preferences, topics
from digest.subscribers.preferences import PreferenceChange, Preferences
from digest.web import visitor
from digest.web.forms import readable_post
from digest.web.problems import describe
from digest.web.refusals import link_page

SECURE_ACTIONS = {"change", "download", "erase"}


@dataclass(frozen=True, slots=True)
class Submission:
    """A form of the page, and the preferences of the subscriber who sent it."""

    post: QueryDict
    current: Preferences
    ip: str | None
    now: datetime


@link_page
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show a subscriber's preferences, or (POST) change them and show them again."""
    now = clock.now()
    access = selfservice.open_link(token, now)
    current = preferences.get_preferences(access.subscriber_id, access.publication_id, now)
    if current is None:
        context = {"test": access.subscriber_id == 0}
        return render(request, "preferences/no_subscriber.html.j2", context)
    if access.expired:
        return render(request, "preferences/expired.html.j2")
    preferred = (current.subscriber.language, current.publication.language)
    with languages.override(visitor.language(request, *preferred)):
        if request.method != "POST":
            return _show(request, access, current, now)
        ip = client_ip.address(request)
        return _perform(
            request, token, access, Submission(readable_post(request), current, ip, now)
        )


def _perform(
    request: HttpRequest, token: str, access: Access, submission: Submission
) -> HttpResponse:
    """Perform the form's action, then redirect to the page, so that reloading repeats nothing."""
    action = submission.post.get("action", "")
    if action in SECURE_ACTIONS and not access.secure:
        action = "link"
    if action == "download":
        return _download(submission.current)
    if action == "erase":
        return _erase(request, submission)
    perform = _ACTIONS.get(action)
    if perform is None:
        return _show(request, access, submission.current, submission.now)
    try:
        done = perform(submission)
    except DigestError as problem:
        return _show(
            request,
            access,
            submission.current,
            submission.now,
            problem=describe(problem),
            post=submission.post,
        )
    query = {"done": done}
    if action == "topic":
        query |= {name: submission.post.get(name, "") for name in ("topic", "newsletter")}
    return HttpResponseRedirect(f"/preferences/{token}?{urlencode(query)}")


def _save(submission: Submission) -> str:
    """Save subscriptions, cadences and topics."""
    post = submission.post
    changes = {
        row.newsletter.pk: PreferenceChange(
            active=f"on-{row.newsletter.pk}" in post,
            cadence=post.get(f"cadence-{row.newsletter.pk}", row.cadence),
            topics=post.getlist(f"topics-{row.newsletter.pk}"),
        )
        for row in submission.current.newsletters
        if f"shown-{row.newsletter.pk}" in post
    }
    preferences.apply_changes(
        submission.current,
        changes,
        wording=preferences_wording(submission.current.publication),
        ip=submission.ip,
        now=submission.now,
    )
    return "saved"


def _save_profile(submission: Submission) -> str:
    """Save name, language and time zone, and the attributes that are theirs to change."""
    current = submission.current
    fields = {name: str(value) for name, value in submission.post.items()}
    own_values.save(current.subscriber.pk, current.publication.pk, fields)
    language = submission.post.get("language", "")
    preferences.save_profile(
        current.subscriber,
        name=submission.post.get("name", ""),
        language=language if language in {*languages.NAMES, current.subscriber.language} else "",
        timezone=submission.post.get("timezone", ""),
    )
    return "saved"


def _pause(submission: Submission) -> str:
    """Pause until a day begins in the subscriber's time zone."""
    selfservice.pause_until(submission.current, submission.post.get("until", ""), submission.now)
    return "paused"


def _resume(submission: Submission) -> str:
    """End a pause."""
    selfservice.resume(submission.current)
    return "resumed"


def _unsubscribe_from_all(submission: Submission) -> str:
    """Unsubscribe from every newsletter of the publication."""
    selfservice.unsubscribe_from_all(submission.current, ip=submission.ip, now=submission.now)
    return "unsubscribed"


def _send_secure_link(submission: Submission) -> str:
    """Send a secure link to the subscriber's address."""
    selfservice.send_secure_link(submission.current, submission.now)
    return "link"


def _change_address(submission: Submission) -> str:
    """Ask the new address to confirm; the same answer whoever it belongs to."""
    address_change.request_change(
        submission.current.subscriber,
        submission.current.publication,
        submission.post.get("email", ""),
        ip=submission.ip,
        now=submission.now,
    )
    return "requested"


def _change_topic(submission: Submission) -> str:
    """Apply "more like this" or "less like this", or undo it."""
    post = submission.post
    return topics.change_topic(
        submission.current,
        post.get("newsletter", ""),
        post.get("topic", ""),
        post.get("change", ""),
    )


_ACTIONS: dict[str, Callable[[Submission], str]] = {
    "save": _save,
    "topic": _change_topic,
    "profile": _save_profile,
    "pause": _pause,
    "resume": _resume,
    "unsubscribe-all": _unsubscribe_from_all,
    "link": _send_secure_link,
    "change": _change_address,
}


def _download(current: Preferences) -> HttpResponse:
    """Return the subscriber's data as JSON that a person can read too."""
    data = data_export.export_subscriber(current.subscriber)
    text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    response = HttpResponse(text + "\n", content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


def _erase(request: HttpRequest, submission: Submission) -> HttpResponse:
    """Ask for confirmation, then erase."""
    context = {"newsletter": _newsletter_for_colours(submission.current)}
    if submission.post.get("sure") != "1":
        return render(request, "preferences/erase.html.j2", context)
    erasure.erase(submission.current.subscriber.pk, submission.now)
    return render(request, "preferences/erased.html.j2", context)


def _show(
    request: HttpRequest,
    access: Access,
    current: Preferences,
    now: datetime,
    *,
    problem: str = "",
    post: QueryDict | None = None,
) -> HttpResponse:
    zone = zone_of(current)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    context: dict[str, Any] = {
        "preferences": current,
        "newsletter": _newsletter_for_colours(current),
        "wording": preferences_wording(current.publication),
        "secure": access.secure,
        "done": request.GET.get("done", "") if not problem else "",
        "problem": problem,
        "wish": topics.read_wish(current, request.GET) if not problem else None,
        "post": post or {},
        "headlines": headlines_of(
            row.newsletter for row in current.newsletters if row.offered_topics
        ),
        "own_values": own_values.offered_in_preferences(
            current.subscriber.pk, current.publication.pk
        ),
        "tomorrow": tomorrow.isoformat(),
        "next_year": (tomorrow + LONGEST_PAUSE - timedelta(days=2)).isoformat(),
        "paused_until": current.paused_until.astimezone(zone) if current.paused_until else None,
        "zone": zone,
        "zones": sorted(available_timezones()),
        "cadence_labels": {
            "every": _("Every issue"),
            "daily": _("At most once a day"),
            "weekly": _("Once a week"),
        },
    }
    return render(request, "preferences/page.html.j2", context, status=422 if problem else 200)


def _newsletter_for_colours(current: Preferences) -> Newsletter | None:
    """Return a newsletter of the publication, whose colours the page uses."""
    return current.newsletters[0].newsletter if current.newsletters else None
