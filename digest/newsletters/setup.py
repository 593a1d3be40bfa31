"""Set up publications and newsletters: everything is checked first, then stored in one go."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction

from digest.articles.models import LONGEST_URL, Article
from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.newsletters import schedules
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import (
    COLOUR,
    Cadence,
    Newsletter,
    Pick,
    Publication,
    Schedule,
    Section,
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Beyond these an editor has mistyped, and a window would reach out of the calendar.
LIMITS = {
    "max_stories": (1, 100),
    "look_back_hours": (1, 24 * 366),
    "widen_hours": (1, 24 * 366),
    "late_minutes": (0, 60 * 24 * 31),
    "desk_minutes": (0, 60 * 24 * 7),
    "undo_seconds": (0, 60 * 60),
}
# Every issue is always offered.
OFFERED = tuple(cadence for cadence in Cadence if cadence != Cadence.EVERY)
LONGEST_LIST_ID = 255  # RFC 2919 §3
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(?:-[a-zA-Z0-9]{1,8})*")  # RFC 5646 §2.1, roughly


def create_publication(
    *,
    slug: str,
    name: str,
    url: str,
    postal_address: str,
    sender_email: str,
    now: datetime,
    sender_name: str = "",
    timezone: str = "UTC",
    **details: Any,
) -> Publication:
    """Create a brand that sends mail; raise NewsletterError for what cannot be.

    `details` are further fields of Publication: tagline, logo_url, accent, language …
    """
    publication = Publication(
        slug=_slug(slug),
        name=name,
        url=url,
        postal_address=postal_address,
        sender_name=sender_name or name,
        sender_email=sender_email,
        timezone=timezone,
        created_at=now,
        **details,
    )
    _check_publication(publication)
    _store(publication)
    return publication


def change_publication(publication: Publication, **details: Any) -> None:
    """Change fields of a brand that sends mail; raise NewsletterError for what cannot be.

    What identifies its lists (List-Id) stays as it is, whatever becomes of the sender.
    """
    kept = {name: getattr(publication, name) for name in details}
    try:
        for name, value in details.items():
            setattr(publication, name, value)
        _check_publication(publication)
    except DigestError:
        for name, value in kept.items():
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
    """Create a newsletter with its sections and schedule; raise NewsletterError for what can't be.

    `days` (Monday is 0) and `at`, or a `cron` line, in `timezone` (the publication's if empty);
    with neither, it is sent by hand only. `topics` are topic sections, title to tags, which stand
    before Latest Stories. `cadences` are those that a reader may choose instead of every issue.
    `policies` are further fields of Newsletter: listed, readers_time, min_stories … Its first slot
    lies after `now`.
    """
    slug = _slug(slug)
    newsletter = Newsletter(
        publication=publication,
        slug=slug,
        name=_line(name, "name"),
        list_id=_list_id(slug, publication),
        created_at=now,
        cadences=_cadences(cadences),
        **policies,
    )
    _check_policies(newsletter)
    _store(newsletter)
    _add_sections(newsletter, topics or {})
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
    """Say when a newsletter goes out, from `now` on; raise NewsletterError for what never comes."""
    at = at.replace(second=0, microsecond=0) if at else None
    timezone = timezone or newsletter.publication.timezone
    rule = schedules.rule(timezone=timezone, days=days, at=at, cron=cron)
    when = {"days": sorted(set(days)), "time": at, "cron": cron, "timezone": rule.timezone.key}
    schedule, _ = Schedule.objects.update_or_create(
        newsletter=newsletter, defaults=when | {"since": now}
    )
    return schedule


def unset_schedule(newsletter: Newsletter) -> None:
    """Let a newsletter go out by hand only."""
    Schedule.objects.filter(newsletter=newsletter).delete()


def set_offer(
    newsletter: Newsletter,
    *,
    cadences: Iterable[str] | None = None,
    listed: bool | None = None,
    welcome_with_latest: bool | None = None,
    readers_time: bool | None = None,
    redirect_links: bool | None = None,
) -> None:
    """Change what readers are offered; None leaves as it is. Raise NewsletterError for no cadence.

    From now on, whose cadence is withdrawn receives every issue.
    """
    offer = {
        "cadences": None if cadences is None else _cadences(cadences),
        "listed": listed,
        "welcome_with_latest": welcome_with_latest,
        "readers_time": readers_time,
        "redirect_links": redirect_links,
    }
    given = {name: value for name, value in offer.items() if value is not None}
    for name, value in given.items():
        setattr(newsletter, name, value)
    newsletter.save(update_fields=given)


def set_desk(
    newsletter: Newsletter,
    *,
    approval: str | None = None,
    desk_minutes: int | None = None,
    undo_seconds: int | None = None,
) -> None:
    """Say who looks at an issue, how long before, and how long "send" can be undone.

    None leaves as it is. Raises NewsletterError for what cannot be.
    """
    wanted = {"approval": approval, "desk_minutes": desk_minutes, "undo_seconds": undo_seconds}
    given = {name: value for name, value in wanted.items() if value is not None}
    for name, value in given.items():
        setattr(newsletter, name, value)
    _check_policies(newsletter)
    newsletter.save(update_fields=given)


def change_newsletter(newsletter: Newsletter, **details: Any) -> None:
    """Change its name, or its policies; raise NewsletterError for what cannot be."""
    for name, value in details.items():
        setattr(newsletter, name, value)
    newsletter.name = _line(newsletter.name, "name")
    _check_policies(newsletter)
    newsletter.save(update_fields=details)


@transaction.atomic
def set_active(newsletter: Newsletter, *, active: bool, now: datetime) -> None:
    """Stop a newsletter, or start it again; what fell due in between is not made up for."""
    turned = Newsletter.objects.filter(pk=newsletter.pk, active=not active).update(active=active)
    if turned and active:
        Schedule.objects.filter(newsletter=newsletter).update(since=now)
    newsletter.active = active


@transaction.atomic
def pick(where: Newsletter | Section, article: Article, now: datetime) -> Pick:
    """Put an article into a hand-picked section, at its end; it leads the next issue.

    For a newsletter, that is its first such section; one without gets one, at its head. Picking
    twice changes nothing. Raise NewsletterError for a section that fills itself.
    """
    section = where if isinstance(where, Section) else _picked_section(where)
    if section.kind != Section.Kind.PICKED:
        raise NewsletterError(f"{section.title!r} fills itself; pick into a hand-picked section.")
    last = section.picks.last()
    made, _ = Pick.objects.get_or_create(
        section=section,
        article=article,
        defaults={"position": last.position + 1 if last else 0, "picked_at": now},
    )
    return made


def parse_cadences(text: str) -> list[str]:
    """Read `daily,weekly`, or `none`."""
    words = [word.strip().lower() for word in text.split(",")]
    return _cadences([] if words == ["none"] else words)


def parse_days(text: str) -> list[int]:
    """Read `daily`, `mon-fri`, `mon,wed,fri`; return days with Monday as 0, in order."""
    if text.strip().lower() in {"daily", "every day"}:
        return list(range(7))
    days: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        start, end = _day(first), _day(last if dash else first)
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return sorted(days)


def parse_time(text: str) -> time:
    """Read `07:00` or `7:00` as a time of day."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise NewsletterError(f"{text!r} is no time of day; use a time like 07:00.")
    return time(int(found[1]), int(found[2]))


def _day(text: str) -> int:
    for number, name in enumerate(DAYS):
        if len(text) >= 3 and name.startswith(text):
            return number
    raise NewsletterError(f"{text!r} is no day; use mon, tue, wed, thu, fri, sat, sun.")


def _cadences(wanted: Iterable[str]) -> list[str]:
    """Return cadences once each, without every issue, which needs no offering."""
    given = set(wanted) - {Cadence.EVERY.value}
    if wrong := sorted(given - set(OFFERED)):
        raise NewsletterError(
            f"{wrong[0]!r} cannot be offered; offer {', '.join(OFFERED)}, several of them, or none."
        )
    return [cadence.value for cadence in OFFERED if cadence in given]


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text) or len(text) > 50:
        raise NewsletterError(
            f"{text!r} cannot be a short name; use up to 50 of a-z, 0-9 and hyphens."
        )
    return text


def _list_id(slug: str, publication: Publication) -> str:
    """Return what identifies the list for ever (RFC 2919 §2): a label under the sender's domain."""
    list_id = f"{slug}.{publication.sender_domain}"
    if len(list_id) > LONGEST_LIST_ID:
        raise NewsletterError(f"{slug!r} is too long together with {publication.sender_domain}.")
    return list_id


def _filled(text: str, what: str) -> str:
    if not text.strip():
        raise NewsletterError(f"The {what} must not be empty.")
    return text.strip()


def _line(text: str, what: str, longest: int = 200) -> str:
    """Names stand in headers: one line, nothing unprintable."""
    if not text.strip().isprintable():
        raise NewsletterError(f"The {what} holds a line end or a control character.")
    if len(text.strip()) > longest:
        raise NewsletterError(f"The {what} is longer than {longest} characters.")
    return _filled(text, what)


def _postal(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    if not all(line.isprintable() for line in lines):
        raise NewsletterError("The postal address holds a control character.")
    return _filled("\n".join(lines), "postal address (the law wants it in every mail)")


def _sender(text: str) -> str:
    parsed = addresses.parse(text)
    if not parsed.email.isascii():
        return addresses.envelope(parsed.email)
    return parsed.email


def _check_publication(publication: Publication) -> None:
    """Put a publication's fields into the form they are kept in, or raise NewsletterError."""
    publication.name = _line(publication.name, "name")
    publication.sender_name = _line(publication.sender_name, "sender name")
    publication.postal_address = _postal(publication.postal_address)
    publication.sender_email = _sender(publication.sender_email)
    publication.timezone = clock.zone(publication.timezone).key
    _check_urls(publication.url, publication.logo_url)
    _check_colours(publication.accent, publication.accent_dark)
    _check_language(publication.language)
    if publication.tagline:
        publication.tagline = _line(publication.tagline, "tagline", longest=300)
    if publication.reply_to:
        publication.reply_to = _sender(publication.reply_to)
    _check_fields(publication, checked_above=("url", "logo_url", "sender_email", "reply_to"))


def _check_urls(*urls: str) -> None:
    check = URLValidator(schemes=["http", "https"])
    for url in filter(None, urls):
        if len(url) > LONGEST_URL or not url.isprintable():
            raise NewsletterError("A web address is too long or holds a control character.")
        try:
            check(url)
        except ValidationError as cause:
            # Django wants a dot in a host; a machine of one's own may have none.
            if not re.fullmatch(r"https?://[a-z0-9-]+(:\d+)?(/\S*)?", url):
                raise NewsletterError(f"{url!r} is no web address (https://…).") from cause


def _check_colours(*colours: str) -> None:
    for colour in colours:
        if not colour.isprintable() or not COLOUR.regex.search(colour):  # type: ignore[union-attr]
            raise NewsletterError(f"{colour!r} is no colour; use one like #1d4e89.")


def _check_language(tag: str) -> None:
    if not _LANGUAGE.fullmatch(tag):
        raise NewsletterError(f"{tag!r} is no language; use a tag like en or pt-BR.")


def _check_policies(newsletter: Newsletter) -> None:
    if newsletter.language:
        _check_language(newsletter.language)
    _check_fields(newsletter)
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(newsletter, name) <= most:
            raise NewsletterError(f"{name}: from {least:,} to {most:,}.")
    if newsletter.max_stories < max(1, newsletter.min_stories):
        raise NewsletterError(
            f"An issue of {newsletter.min_stories} to {newsletter.max_stories} stories cannot be."
        )


def _check_fields(thing: Publication | Newsletter, checked_above: Sequence[str] = ()) -> None:
    """Hold the rest to what the database takes: lengths, choices, ranges."""
    try:
        thing.clean_fields(exclude=["publication", *checked_above])
    except ValidationError as cause:
        name, words = next(iter(cause.message_dict.items()))
        raise NewsletterError(f"{name}: {words[0]}") from cause


def _add_sections(newsletter: Newsletter, topics: Mapping[str, Iterable[str]]) -> None:
    for position, (title, tags) in enumerate(topics.items()):
        wanted = [tag.strip() for tag in tags if tag.strip()]
        if not wanted:
            raise NewsletterError(f"The section {title!r} names no topic.")
        Section.objects.create(
            newsletter=newsletter,
            position=position,
            kind=Section.Kind.TOPIC,
            title=_line(title, "section's title"),
            topics=wanted,
        )
    Section.objects.create(
        newsletter=newsletter,
        position=len(topics),
        kind=Section.Kind.LATEST,
        title="Latest Stories",
    )


def _picked_section(newsletter: Newsletter) -> Section:
    if section := newsletter.sections.filter(kind=Section.Kind.PICKED).first():
        return section
    for section in newsletter.sections.order_by("-position"):
        section.position += 1
        section.save(update_fields=["position"])
    return Section.objects.create(
        newsletter=newsletter, position=0, kind=Section.Kind.PICKED, title="Editors' Choice"
    )


def _store(thing: Publication | Newsletter) -> None:
    try:
        with transaction.atomic():
            thing.save()
    except IntegrityError as cause:
        kind = type(thing).__name__.lower()
        raise NewsletterError(f"There is a {kind} {thing.slug!r} already.") from cause
