"""Set up publications and newsletters: everything is checked first, then stored in one go."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from django.db import transaction

from digest.articles.models import Article
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.errors import DigestError
from digest.newsletters import checks, layout, schedules
from digest.newsletters.choices import BlockKind
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import LayoutBlock, Newsletter, Pick, Publication, Schedule
from digest.newsletters.publicity import states
from digest.newsletters.publicity.states import NewsletterState


def create_publication(
    *,
    slug: str,
    name: str,
    url: str,
    postal_address: str,
    sender_email: str,
    now: datetime,
    sender_name: str = "",
    **details: Any,
) -> Publication:
    """Create a brand that sends mail; raise NewsletterError for what cannot be.

    `details` are further fields of Publication: timezone, tagline, logo_url, accent, language …
    """
    publication = Publication(
        slug=checks.slug_of(slug),
        name=name,
        url=url,
        postal_address=postal_address,
        sender_name=sender_name or name,
        sender_email=sender_email,
        created_at=now,
        **details,
    )
    checks.of_publication(publication)
    _store(publication)
    return publication


def find_publication(slug: str) -> Publication:
    """Return the publication with this slug; raise NewsletterError naming those that exist."""
    if row := Publication.objects.filter(slug=slug).first():
        return row
    slugs = ", ".join(Publication.objects.order_by("slug").values_list("slug", flat=True)[:10])
    raise NewsletterError(f"There is no publication {slug!r}. There are: {slugs or 'none'}.")


def change_publication(publication: Publication, **details: Any) -> None:
    """Change fields of a brand that sends mail; raise NewsletterError for what cannot be.

    What identifies its lists (List-Id) stays as it is, whatever becomes of the sender.
    """
    previous = {name: getattr(publication, name) for name in details}
    try:
        for name, value in details.items():
            setattr(publication, name, value)
        checks.of_publication(publication)
    except DigestError:
        for name, value in previous.items():
            setattr(publication, name, value)
        raise
    publication.save(update_fields=details)


@transaction.atomic
def create_newsletter(
    publication: Publication,
    *,
    slug: str,
    name: str,
    now: datetime,
    days: Sequence[int] = (),
    at: time | None = None,
    cron: str = "",
    timezone: str = "",
    topics: Mapping[str, Iterable[str]] | None = None,
    cadences: Iterable[str] = (),
    **policies: Any,
) -> Newsletter:
    """Create a newsletter with its layout and schedule; raise NewsletterError for what can't be.

    `days` (Monday is 0) and `at`, or a `cron` line, in `timezone` (the publication's if empty);
    with neither, it is sent manually only. The layout is a lead story, a block for each of `topics`
    (title to tags), the latest stories, and an appeal. `cadences` are those that a subscriber may
    choose instead of every issue. `policies` are further fields of Newsletter: state,
    send_in_local_time, min_stories … Its first slot lies after `now`.
    """
    slug = checks.slug_of(slug)
    newsletter = Newsletter(
        publication=publication,
        slug=slug,
        name=checks.check_line(name, "name"),
        list_id=checks.list_id_of(slug, publication),
        created_at=now,
        cadences=checks.cadences_of(cadences),
        **policies,
    )
    checks.of_newsletter(newsletter)
    _store(newsletter)
    _add_layout(newsletter, topics or {})
    if cron or days or at:
        set_schedule(newsletter, days=days, at=at, cron=cron, timezone=timezone, now=now)
    return newsletter


@transaction.atomic
def set_schedule(
    newsletter: Newsletter,
    *,
    now: datetime,
    days: Sequence[int] = (),
    at: time | None = None,
    cron: str = "",
    timezone: str = "",
) -> Schedule:
    """Say when a newsletter goes out, from `now` on; raise NewsletterError for what never comes.

    Saying what holds already changes nothing: a slot that has just come is still due.
    """
    at = at.replace(second=0, microsecond=0) if at else None
    timezone = timezone or newsletter.publication.timezone
    rule = schedules.rule(timezone=timezone, days=days, at=at, cron=cron)
    moments = {"days": sorted(set(days)), "time": at, "cron": cron, "timezone": rule.timezone.key}
    if existing := Schedule.objects.filter(newsletter=newsletter, **moments).first():
        return existing
    schedule, _ = Schedule.objects.update_or_create(
        newsletter=newsletter, defaults=moments | {"since": now}
    )
    return schedule


def unset_schedule(newsletter: Newsletter) -> None:
    """Let a newsletter go out only when an editor sends it."""
    Schedule.objects.filter(newsletter=newsletter).delete()


def set_offer(
    newsletter: Newsletter,
    *,
    cadences: Iterable[str] | None = None,
    welcome_with_latest: bool | None = None,
    send_in_local_time: bool | None = None,
    redirect_links: bool | None = None,
) -> None:
    """Change what subscribers may choose; None leaves a value as it is.

    Subscribers of a cadence that is withdrawn receive every issue from now on.
    Raises NewsletterError for an unknown cadence.
    """
    offer = {
        "cadences": None if cadences is None else checks.cadences_of(cadences),
        "welcome_with_latest": welcome_with_latest,
        "send_in_local_time": send_in_local_time,
        "redirect_links": redirect_links,
    }
    changes = {name: value for name, value in offer.items() if value is not None}
    for name, value in changes.items():
        setattr(newsletter, name, value)
    newsletter.save(update_fields=changes)


def set_approval(
    newsletter: Newsletter,
    *,
    approval: str | None = None,
    review_minutes: int | None = None,
    undo_seconds: int | None = None,
) -> None:
    """Say who looks at an issue, how long before, and how long "send" can be undone.

    None leaves as it is. Raises NewsletterError for what cannot be.
    """
    policy = {"approval": approval, "review_minutes": review_minutes, "undo_seconds": undo_seconds}
    changes = {name: value for name, value in policy.items() if value is not None}
    for name, value in changes.items():
        setattr(newsletter, name, value)
    checks.of_newsletter(newsletter)
    newsletter.save(update_fields=changes)


def change_newsletter(newsletter: Newsletter, **details: Any) -> None:
    """Change its name, or its policies; raise NewsletterError for what cannot be."""
    for name, value in details.items():
        setattr(newsletter, name, value)
    newsletter.name = checks.check_line(newsletter.name, "name")
    checks.of_newsletter(newsletter)
    newsletter.save(update_fields=details)


@transaction.atomic
def set_state(newsletter: Newsletter, state: str, now: datetime) -> None:
    """Change the state of a newsletter; what fell due while it was not sent is not made up for.

    Raises NewsletterError for a private one that is to be paused or closed, which would show it.
    """
    locked = Newsletter.objects.select_for_update().get(pk=newsletter.pk)
    states.require_possible(locked.state, state)
    was_sending = locked.is_sending
    newsletter.state = locked.state = NewsletterState(state)
    locked.save(update_fields=["state"])
    if locked.is_sending and not was_sending:
        Schedule.objects.filter(newsletter=newsletter).update(since=now)


@transaction.atomic
def pick(target: Newsletter | LayoutBlock, article: Article, now: datetime) -> Pick:
    """Put an article into a block of picked stories, at its end; it leads the next issue.

    For a newsletter, that is its first such block; one without gets one, before its other stories.
    Picking twice changes nothing. Raise NewsletterError for a block that fills itself, and for an
    article of another publication.
    """
    checks.require_own_article(
        target.newsletter if isinstance(target, LayoutBlock) else target, article
    )
    block = target if isinstance(target, LayoutBlock) else _picked_block(target)
    if block.kind != BlockKind.PICKED:
        raise NewsletterError(f"{block.title!r} fills itself; choose a block of picked stories.")
    last = block.picks.last()
    pick, _ = Pick.objects.get_or_create(
        block=block,
        article=article,
        defaults={"position": last.position + 1 if last else 0, "picked_at": now},
    )
    return pick


def _add_layout(newsletter: Newsletter, topics: Mapping[str, Iterable[str]]) -> None:
    layout.add(newsletter, BlockKind.LEAD)
    for title, tags in topics.items():
        layout.add(newsletter, BlockKind.TOPIC, title, [tag.strip() for tag in tags if tag.strip()])
    layout.add(newsletter, BlockKind.LATEST, "Latest Stories")
    layout.add(newsletter, BlockKind.APPEAL)


def _picked_block(newsletter: Newsletter) -> LayoutBlock:
    if block := newsletter.layout.filter(kind=BlockKind.PICKED).first():
        return block
    block = layout.add(newsletter, BlockKind.PICKED, "Editors' Choice")
    first = newsletter.layout.filter(kind__in=(BlockKind.TOPIC, BlockKind.LATEST)).first()
    layout.move(block, (first.position if first else 0) - block.position)
    return block


def _store(thing: Publication | Newsletter) -> None:
    kind = type(thing).__name__.lower()
    with refuse_duplicate(NewsletterError(f"There is a {kind} {thing.slug!r} already.")):
        thing.save()
