"""What happened lately that the newsroom should know, from the rows that say so."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Greatest

from digest.accounts.topics import NewsroomEvent
from digest.articles.models import Source
from digest.issues import approval, building
from digest.issues.models import Issue
from digest.newsletters.choices import Approval
from digest.relays.models import PausedDomain
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook

RECENT = timedelta(days=1)  # older ones are no news, for example after an outage of all workers
# They last until somebody acts, and may happen to the same issue again.
OF_ISSUES = (NewsroomEvent.WAITING, NewsroomEvent.SKIPPED, NewsroomEvent.FAILED)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened: to an issue, a source, or a domain."""

    event: NewsroomEvent
    key: str
    webhook_event: Event | None  # None: for mails alone
    publication_id: int | None  # None: every publication
    newsletter_id: int | None = None
    issue: Issue | None = None
    by_mail: bool = True  # False: for webhooks alone, since editors chose that it happens
    context: dict[str, Any] = field(default_factory=dict)  # of a notice: ids, and a name
    details: dict[str, Any] = field(default_factory=dict)  # for webhooks; nothing of a subscriber


def recent(now: datetime) -> Iterator[Occurrence]:
    """Yield what happened within a day, whether or not it was told already."""
    since = now - RECENT
    for issue in _waiting(since):
        yield _of_issue(NewsroomEvent.WAITING, Event.WAITING, issue)
    for issue in _issues().filter(state=Issue.State.SKIPPED, finished_at__gt=since):
        occurrence = _of_issue(NewsroomEvent.SKIPPED, Event.SKIPPED, issue)
        yield replace(occurrence, by_mail=building.is_unwanted_skip(issue))
    # The slot of a manual issue is the moment of its creation, perhaps days before it is sent.
    last_moment = Greatest("slot", "send_at", "planned_at")
    paused = _issues().alias(last_moment=last_moment).filter(last_moment__gt=since)
    paused = paused.filter(state=Issue.State.PAUSED).exclude(reason="")
    for issue in paused:
        yield _of_issue(NewsroomEvent.FAILED, Event.FAILED, issue)
    for source in Source.objects.filter(switched_off_at__gt=since).order_by("pk"):
        yield _of_source(source)
    for webhook in Webhook.objects.filter(disabled_at__gt=since).order_by("pk"):
        yield _of_webhook(webhook)
    for pause in PausedDomain.objects.filter(until__gt=now, since__gt=since).order_by("pk"):
        yield _of_domain(pause)


def _waiting(since: datetime) -> Iterator[Issue]:
    drafts = _issues().filter(state=Issue.State.DRAFT, built_at__gt=since)
    for issue in drafts.exclude(newsletter__approval=Approval.NONE):
        if issue.goes_by_itself and approval.is_needed(issue):
            yield issue


def _issues() -> QuerySet[Issue]:
    return Issue.objects.select_related("newsletter__publication").order_by("pk")


def _of_issue(event: NewsroomEvent, webhook_event: Event, issue: Issue) -> Occurrence:
    return Occurrence(
        event,
        _key_of(event, issue),
        webhook_event,
        issue.newsletter.publication_id,
        issue.newsletter_id,
        issue,
        context={"issue": issue.pk},
        details={"reason": issue.reason},
    )


def _key_of(event: NewsroomEvent, issue: Issue) -> str:
    """Return what tells an occurrence from another one of the same issue: why it failed."""
    if event is not NewsroomEvent.FAILED:
        return str(issue.pk)
    return f"{issue.pk} {sha256(issue.reason.encode()).hexdigest()[:12]}"


def _of_source(source: Source) -> Occurrence:
    return Occurrence(
        NewsroomEvent.SOURCE,
        f"{source.pk} {source.switched_off_at:%Y-%m-%dT%H:%M:%S}",
        Event.SOURCE_OFF,
        source.publication_id,
        context={"source": source.pk},
        details={"source": source.pk, "url": source.url, "reason": source.problem},
    )


def _of_webhook(webhook: Webhook) -> Occurrence:
    """Return that a webhook was disabled; its address may be its secret, so it is not named."""
    return Occurrence(
        NewsroomEvent.WEBHOOK,
        f"{webhook.pk} {webhook.disabled_at:%Y-%m-%dT%H:%M:%S}",
        None,
        webhook.publication_id,
        context={"webhook": webhook.name},
    )


def _of_domain(pause: PausedDomain) -> Occurrence:
    return Occurrence(
        NewsroomEvent.DOMAIN,
        f"{pause.pk} {pause.since:%Y-%m-%dT%H:%M:%S} {pause.times}",
        Event.DOMAIN_PAUSED,
        None,
        context={"paused": pause.pk},
        # Not why: a reply may name a recipient, and webhooks of every publication get this.
        details={"domain": pause.domain, "until": pause.until.isoformat()},
    )
