"""A subscriber's preferences, under their own link and without a password.

The link that stands in every mail does what an annoyed friend could do no harm with. Another
address, all data at once, and erasure take a link that was sent to the mailbox within the last day:
mails are forwarded, links and all.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digest.core import addresses, client_ip, clock, languages, links
from digest.core.errors import DigestError, InvalidAddressError, LinkError, LinkExpiredError
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.selfservice import address_change, data_export, erasure
from digest.subscribers import preferences, signup_limits
from digest.subscribers.errors import SubscriberError
from digest.subscribers.preferences import Picture, Wish
from digest.web import visitor

LONGEST_PAUSE = timedelta(days=366)
FRESH_ONLY = {"change", "download", "erase"}


@dataclass(frozen=True, slots=True)
class Key:
    """What a link to the preferences opens."""

    subscriber: int
    publication: int
    fresh: bool = False
    expired: bool = False  # it was fresh, and serves as an ordinary one no more


@csrf_exempt  # the token alone is the right; there is no cookie that another site could use
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show a subscriber's preferences, or (POST) change them and show them again."""
    now = clock.now()
    try:
        key = _opened(token, now)
    except LinkError:
        return render(request, "confirm/unknown.html.j2", status=404)
    picture = preferences.look(key.subscriber, key.publication, now)
    if picture is None or key.expired:
        template = "preferences/expired.html.j2" if picture else "preferences/nobody.html.j2"
        return render(request, template, {"test": key.subscriber == 0})
    with languages.spoken(_language(request, picture)):
        if request.method == "POST":
            return _act(request, token, key, picture, now)
        return _shown(request, key, picture, now)


def _act(
    request: HttpRequest, token: str, key: Key, picture: Picture, now: datetime
) -> HttpResponse:
    """Do what the form asks for; then lead back to the page, so that reloading repeats nothing."""
    sent = _sent(request)
    action = sent.get("action", "")
    if action in FRESH_ONLY and not key.fresh:
        action = "link"
    if action == "download":
        return _download(picture)
    if action == "erase":
        return _erase(request, sent, picture, now)
    act = _ACTIONS.get(action)
    if act is None:
        return _shown(request, key, picture, now)
    try:
        done = act(request, sent, picture, now)
    except DigestError as problem:
        return _shown(request, key, picture, now, problem=str(problem), sent=sent)
    return HttpResponseRedirect(f"/preferences/{token}?done={done}")


def _save(request: HttpRequest, sent: QueryDict, picture: Picture, now: datetime) -> str:
    """Store switches, cadences and topics."""
    wishes = {
        choice.newsletter.pk: Wish(
            active=f"on-{choice.newsletter.pk}" in sent,
            cadence=sent.get(f"cadence-{choice.newsletter.pk}", choice.cadence),
            topics=sent.getlist(f"topics-{choice.newsletter.pk}"),
        )
        for choice in picture.choices
        if f"shown-{choice.newsletter.pk}" in sent
    }
    wording = _("What I switch on here I want to receive by email.")
    ip = client_ip.address(request)
    preferences.choose(picture, wishes, wording=wording, ip=ip, now=now)
    return "saved"


def _introduce(_request: HttpRequest, sent: QueryDict, picture: Picture, _now: datetime) -> str:
    """Store name, language and time zone."""
    language = sent.get("language", "")
    preferences.introduce(
        picture.subscriber,
        name=sent.get("name", ""),
        language=language if language in languages.NAMES else "",
        timezone=sent.get("timezone", ""),
    )
    return "saved"


def _pause(_request: HttpRequest, sent: QueryDict, picture: Picture, now: datetime) -> str:
    """Pause until the begin of a day in the subscriber's zone."""
    try:
        day = date.fromisoformat(sent.get("until", ""))
        until = datetime.combine(day, time.min, zone_of(picture)).astimezone(UTC)
    except (ValueError, OverflowError) as cause:
        raise SubscriberError(
            _("Choose the day on which you want to hear from us again.")
        ) from cause
    if not now < until <= now + LONGEST_PAUSE:
        raise SubscriberError(_("Choose a day after today, and within a year."))
    preferences.pause(picture, until)
    return "paused"


def _resume(_request: HttpRequest, _sent: QueryDict, picture: Picture, _now: datetime) -> str:
    """End a pause."""
    preferences.pause(picture, None)
    return "resumed"


def _leave_all(request: HttpRequest, _sent: QueryDict, picture: Picture, now: datetime) -> str:
    """Leave every newsletter of the publication."""
    wishes = {choice.newsletter.pk: Wish(active=False) for choice in picture.choices}
    ip = client_ip.address(request)
    preferences.choose(picture, wishes, wording="", ip=ip, now=now)
    return "left"


def _send_link(_request: HttpRequest, _sent: QueryDict, picture: Picture, now: datetime) -> str:
    """Send a fresh link to the address that this is about."""
    queue_notice(
        Notice.Kind.LINK,
        picture.publication,
        email=picture.subscriber.email,
        subscriber=picture.subscriber,
        language=picture.subscriber.language,
        now=now,
    )
    return "link"


def _change(request: HttpRequest, sent: QueryDict, picture: Picture, now: datetime) -> str:
    """Ask the new address; the same answer whoever it belongs to."""
    try:
        address = addresses.parse(sent.get("email", ""))
    except InvalidAddressError as cause:
        raise SubscriberError(
            _("This is no email address that we can write to. Is it complete?")
        ) from cause
    if signup_limits.admit(address, client_ip.address(request)):
        address_change.ask(picture.subscriber, picture.publication, address, now)
    return "asked"


_ACTIONS = {
    "save": _save,
    "introduce": _introduce,
    "pause": _pause,
    "resume": _resume,
    "leave-all": _leave_all,
    "link": _send_link,
    "change": _change,
}


def _download(picture: Picture) -> HttpResponse:
    """Return all stored data as indented JSON."""
    facts = data_export.everything(picture.subscriber)
    text = json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    response = HttpResponse(text + "\n", content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


def _erase(request: HttpRequest, sent: QueryDict, picture: Picture, now: datetime) -> HttpResponse:
    """Ask once more, then erase."""
    context = {"picture": picture, "newsletter": _colours(picture)}
    if sent.get("sure") != "1":
        return render(request, "preferences/erase.html.j2", context)
    erasure.erase(picture.subscriber.pk, now)
    return render(request, "preferences/erased.html.j2", context)


def _shown(
    request: HttpRequest,
    key: Key,
    picture: Picture,
    now: datetime,
    *,
    problem: str = "",
    sent: QueryDict | None = None,
) -> HttpResponse:
    zone = zone_of(picture)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    context: dict[str, Any] = {
        "picture": picture,
        "newsletter": _colours(picture),
        "fresh": key.fresh,
        "done": request.GET.get("done", "") if not problem else "",
        "problem": problem,
        "sent": sent or {},
        "tomorrow": tomorrow.isoformat(),
        "next_year": (tomorrow + LONGEST_PAUSE - timedelta(days=2)).isoformat(),
        "until": picture.paused_until.astimezone(zone) if picture.paused_until else None,
        "zone": zone,
        "zones": sorted(available_timezones()),
        "cadences": _cadence_words(),
    }
    return render(request, "preferences/page.html.j2", context, status=422 if problem else 200)


def zone_of(picture: Picture) -> Any:
    """Return the subscriber's time zone, or the publication's."""
    return clock.zone(picture.subscriber.timezone or picture.publication.timezone)


def _cadence_words() -> dict[str, str]:
    return {
        "every": _("Every issue"),
        "daily": _("Once a day at most"),
        "weekly": _("Once a week"),
    }


def _colours(picture: Picture) -> Any:
    """Return a newsletter of the publication, whose colours the page bears."""
    return picture.choices[0].newsletter if picture.choices else None


def _opened(token: str, now: datetime) -> Key:
    """Return what a token opens; raise LinkError for what is none of ours."""
    try:
        subscriber, publication = links.read_until("preferences-fresh", token, now)
    except LinkExpiredError as late:
        return Key(late.ids[0], late.ids[1], expired=True)
    except (LinkError, ValueError):
        found = links.read("preferences", token)
        if len(found) != 2:
            raise LinkError(links.DAMAGED) from None
        return Key(found[0], found[1])
    return Key(subscriber, publication, fresh=True)


def _language(request: HttpRequest, picture: Picture) -> str:
    return visitor.language(request, picture.subscriber.language, picture.publication.language)


def _sent(request: HttpRequest) -> QueryDict:
    try:
        return request.POST
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        return QueryDict()
