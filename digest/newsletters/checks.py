"""What a publication and a newsletter must be, before anything of them is stored."""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from digest.articles.models import Article
from digest.core import addresses, clock, languages
from digest.core.text import LONGEST_URL, printable
from digest.newsletters.audiences.models import Segment
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import COLOUR, Cadence, Newsletter, Publication
from digest.pictures.models import Picture

# Beyond these an editor has mistyped, and a window would reach out of the calendar.
LIMITS = {
    "max_stories": (1, 100),
    "look_back_hours": (1, 24 * 366),
    "widen_hours": (1, 24 * 366),
    "late_minutes": (0, 60 * 24 * 31),
    "review_minutes": (0, 60 * 24 * 7),
    "undo_seconds": (0, 60 * 60),
    "contents_from": (0, 100),
}
# Every issue is always offered.
OFFERED = tuple(cadence for cadence in Cadence if cadence != Cadence.EVERY)
LONGEST_LIST_ID = 255  # RFC 2919 §3
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def require_own_article(newsletter: Newsletter, article: Article) -> None:
    """Raise NewsletterError for an article of another publication than the newsletter's."""
    if article.publication_id != newsletter.publication_id:
        raise NewsletterError(
            f"“{article.title}” belongs to another publication. Add its source to "
            f"{newsletter.publication.name}, and use that publication's own article."
        )


def require_own_pictures(publication_id: int, uuids: Iterable[UUID | str | None]) -> None:
    """Raise NewsletterError unless each picture, None aside, is in a publication's library."""
    keys = {str(uuid) for uuid in uuids if uuid}
    pictures = Picture.ready().filter(publication_id=publication_id, uuid__in=keys)
    if keys and pictures.count() < len(keys):
        raise NewsletterError(
            "A picture is not in this publication's library. Upload it there, or choose another."
        )


def require_own_segment(publication_id: int, segment: Segment | None) -> None:
    """Raise NewsletterError for a segment of another publication."""
    if segment and segment.publication_id != publication_id:
        raise NewsletterError("A segment can only be used in its own publication.")


def of_publication(publication: Publication) -> None:
    """Put a publication's fields into the form they are kept in, or raise NewsletterError."""
    publication.name = check_line(publication.name, "name")
    publication.sender_name = check_line(publication.sender_name, "sender name")
    publication.postal_address = _postal(publication.postal_address)
    publication.sender_email = _sender(publication.sender_email)
    publication.timezone = clock.zone(publication.timezone).key
    check_urls(publication.url, publication.logo_url, publication.logo_dark_url)
    _check_colours(publication.accent, publication.accent_dark or publication.accent)
    _check_language(publication.language)
    if publication.tagline:
        publication.tagline = check_line(publication.tagline, "tagline", longest=300)
    if publication.reply_to:
        publication.reply_to = _sender(publication.reply_to)
    checked_above = ("url", "logo_url", "logo_dark_url", "sender_email", "reply_to")
    _check_fields(publication, checked_above=checked_above)


def of_newsletter(newsletter: Newsletter) -> None:
    """Raise NewsletterError for policies that cannot be."""
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


def cadences_of(names: Iterable[str]) -> list[str]:
    """Return cadences once each, without every issue, which needs no offering."""
    selected = set(names) - {Cadence.EVERY.value}
    if wrong := sorted(selected - set(OFFERED)):
        raise NewsletterError(
            f"{wrong[0]!r} cannot be offered; offer {', '.join(OFFERED)}, several of them, or none."
        )
    return [cadence.value for cadence in OFFERED if cadence in selected]


def slug_of(text: str) -> str:
    """Return a short name for addresses as it is, or raise NewsletterError."""
    if not _SLUG.fullmatch(text) or len(text) > 50:
        raise NewsletterError(
            f"{text!r} cannot be a short name; use up to 50 of a-z, 0-9 and hyphens."
        )
    return text


def list_id_of(slug: str, publication: Publication) -> str:
    """Return what identifies the list for ever (RFC 2919 §2): a label under the sender's domain."""
    list_id = f"{slug}.{publication.sender_domain}"
    if len(list_id) > LONGEST_LIST_ID:
        raise NewsletterError(f"{slug!r} is too long together with {publication.sender_domain}.")
    return list_id


def check_line(text: str, label: str, longest: int = 200) -> str:
    """Return a name for headers; raise NewsletterError for line ends and controls."""
    if printable(text.strip()) != text.strip() or "\n" in text.strip():
        raise NewsletterError(f"The {label} holds a line end or a control character.")
    if len(text.strip()) > longest:
        raise NewsletterError(f"The {label} is longer than {longest} characters.")
    return _filled(text, label)


def _filled(text: str, label: str) -> str:
    if not text.strip():
        raise NewsletterError(f"The {label} must not be empty.")
    return text.strip()


def _postal(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    if not all(line == printable(line) for line in lines):
        raise NewsletterError("The postal address holds a control character.")
    return _filled("\n".join(lines), "postal address (the law wants it in every mail)")


def _sender(text: str) -> str:
    parsed = addresses.parse(text)
    if not parsed.email.isascii():
        return addresses.envelope(parsed.email)
    return parsed.email


def check_urls(*urls: str) -> None:
    """Raise NewsletterError for what is not a web address; empty ones are fine."""
    check = URLValidator(schemes=["http", "https"])
    for url in filter(None, urls):
        if len(url) > LONGEST_URL or not url.isprintable():
            raise NewsletterError("A web address is too long or holds a control character.")
        try:
            check(url)
        except ValidationError as cause:
            # Django wants a dot in a host; a machine of one's own may have none.
            if not re.fullmatch(r"https?://[a-z0-9-]+(:\d+)?(/\S*)?", url):
                raise NewsletterError(f"{url!r} is not a web address (https://…).") from cause


def _check_colours(*colours: str) -> None:
    for colour in colours:
        if not colour.isprintable() or not COLOUR.regex.search(colour):  # type: ignore[union-attr]
            raise NewsletterError(f"{colour!r} is not a colour; use one like #1d4e89.")


def _check_language(tag: str) -> None:
    if not languages.is_tag(tag):
        raise NewsletterError(f"{tag!r} is not a language; use a tag like en or pt-BR.")


def _check_fields(thing: Publication | Newsletter, checked_above: Sequence[str] = ()) -> None:
    """Hold the rest to what the database takes: lengths, choices, ranges."""
    try:
        thing.clean_fields(exclude=["publication", *checked_above])
    except ValidationError as cause:
        name, messages = next(iter(cause.message_dict.items()))
        raise NewsletterError(f"{name}: {messages[0]}") from cause
