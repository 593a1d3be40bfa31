"""Appeals and sponsors: created, changed, duplicated, and what they must be."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from digest.core import languages
from digest.core.text import LONGEST_URL, one_line, printable, web_url
from digest.newsletters import checks
from digest.newsletters.audiences import usage
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Appeal, Newsletter, Publication

LONGEST_TEXT = 4_000  # characters, as mails show it
LONGEST_NAME = 200
# Beyond the years 1 and 9999 in UTC, where a zone can lead, no row could be read again.
YEARS = range(2000, 2200)
LIMITS = {"weight": (1, 100), "priority": (0, 100), "cap": (1, 1_000), "cap_days": (1, 3_660)}
FIELDS = frozenset(
    [
        *("kind", "name", "label", "heading", "body", "button", "url", "style"),
        *("picture", "picture_dark", "picture_alt", "starts_at", "ends_at", "paused"),
        *("priority", "weight", "cap", "cap_days", "segment"),
    ]
)
# A change of one of these begins a new count of turns (digest.issues.messages).
_RULES = frozenset(["kind", "priority", "weight", "paused", "starts_at", "ends_at"])
_LINES = ("name", "label", "heading", "button", "picture_alt")


def allowed_in(newsletter: Newsletter) -> Q:
    """Return the condition of appeals that a newsletter may show; some occur twice by it."""
    allowed = Q(newsletters=None) | Q(newsletters=newsletter)
    return Q(allowed, publication=newsletter.publication_id)


@transaction.atomic
def create(
    publication: Publication,
    *,
    now: datetime,
    newsletters: Collection[Newsletter] = (),
    **values: Any,
) -> Appeal:
    """Create an appeal or a sponsor with FIELDS; raise NewsletterError for what cannot be.

    A sponsor without a label gets "Sponsored" in the publication's language. `newsletters` are
    those that may show it; none means all of the publication.
    """
    appeal = Appeal(publication=publication, starts_at=now, turns_since=now)
    if not values.get("label"):
        values["label"] = default_label(values.get("kind", ""), publication.language)
    _set_values(appeal, values)
    appeal.save()
    _set_newsletters(appeal, newsletters)
    return appeal


@transaction.atomic
def change(
    appeal: Appeal,
    *,
    now: datetime,
    newsletters: Collection[Newsletter] | None = None,
    **values: Any,
) -> None:
    """Change FIELDS and the newsletters; raise NewsletterError for what cannot be.

    Issues that have been planned stay as they are: while one goes out, the segment cannot change.
    A new rule begins a new count of turns.
    """
    if appeal.archived_at:
        raise NewsletterError("This appeal is archived. Restore it first.")
    before = {name: getattr(appeal, name) for name in _RULES}
    segment_id = appeal.segment_id
    _set_values(appeal, values)
    changed = any(getattr(appeal, name) != value for name, value in before.items())
    if appeal.segment_id != segment_id and (issue := usage.issue_with_appeal(appeal)):
        raise NewsletterError(
            f"{issue} is going out with it, so its segment cannot change. "
            "Wait until the issue is sent, or cancel it."
        )
    if newsletters is not None:
        changed |= _set_newsletters(appeal, newsletters)
    if changed:
        appeal.turns_since = now
    appeal.save()


def archive(appeal: Appeal, now: datetime) -> None:
    """Put an appeal aside: it is in no further issue, and what it did stays known."""
    appeal.archived_at = now
    appeal.save(update_fields=["archived_at"])


def restore(appeal: Appeal, now: datetime) -> None:
    """Take an appeal out of the archive; it is paused until somebody resumes it."""
    appeal.archived_at, appeal.paused, appeal.turns_since = None, True, now
    appeal.save(update_fields=["archived_at", "paused", "turns_since"])


@transaction.atomic
def duplicate(appeal: Appeal, now: datetime) -> Appeal:
    """Return a paused copy, which issues do not show before somebody resumes it."""
    values = {name: getattr(appeal, name) for name in FIELDS}
    name = f"Copy of {appeal}"[:LONGEST_NAME]
    copy = Appeal(publication=appeal.publication, turns_since=now)
    _set_values(copy, values | {"name": name, "paused": True})
    copy.save()
    copy.newsletters.set(appeal.newsletters.all())
    return copy


def default_label(kind: str, language: str) -> str:
    """Return the label of a new sponsor in a language; empty for an appeal."""
    if kind != Appeal.Kind.SPONSOR:
        return ""
    with languages.override(language):
        return _("Sponsored")


def _set_newsletters(appeal: Appeal, newsletters: Collection[Newsletter]) -> bool:
    """Set which newsletters may show it; return whether that is a change."""
    if any(row.publication_id != appeal.publication_id for row in newsletters):
        raise NewsletterError("An appeal runs in newsletters of its own publication.")
    before = set(appeal.newsletters.values_list("pk", flat=True))
    appeal.newsletters.set(newsletters)
    return before != {row.pk for row in newsletters}


def _set_values(appeal: Appeal, values: dict[str, Any]) -> None:
    if unknown := sorted(set(values) - FIELDS):
        raise NewsletterError(f"An appeal has no {unknown[0]!r}.")
    for name, value in values.items():
        setattr(appeal, name, value)
    for name in _LINES:
        setattr(appeal, name, one_line(getattr(appeal, name)))
    appeal.body = printable(appeal.body).strip()
    appeal.url = _url(appeal.url)
    checks.require_own_pictures(
        appeal.publication_id, [values.get("picture"), values.get("picture_dark")]
    )
    checks.require_own_segment(appeal.publication_id, appeal.segment)
    _check_contents(appeal)
    _check_rules(appeal)
    _check_lengths(appeal)


def _url(url: str) -> str:
    address = web_url(url.strip())
    if not address or len(address) > LONGEST_URL:
        raise NewsletterError("The link is not a web address. Begin it with https://.")
    return address


def _check_contents(appeal: Appeal) -> None:
    is_box = appeal.style == Appeal.Style.BOX
    if not appeal.heading and (appeal.kind == Appeal.Kind.SPONSOR or not is_box):
        raise NewsletterError("Add a heading: the sponsor's name, or the text of the link.")
    if is_box and appeal.kind == Appeal.Kind.APPEAL and not (appeal.body and appeal.button):
        raise NewsletterError("Add a text and a button label, or choose the plain link.")
    if len(appeal.body) > LONGEST_TEXT:
        raise NewsletterError(f"The text has {LONGEST_TEXT:,} characters at most.")


def _check_rules(appeal: Appeal) -> None:
    for moment in (appeal.starts_at, appeal.ends_at):
        if moment and moment.year not in YEARS:
            raise NewsletterError(
                f"Choose times from the years {YEARS[0]} to {YEARS[-1]}. Leave the end empty "
                "for none."
            )
    if appeal.ends_at and appeal.ends_at <= appeal.starts_at:
        raise NewsletterError("The end must be after the start.")
    if appeal.cap_days and not appeal.cap:
        raise NewsletterError("The days of a cap need the cap: how many times in these days.")
    for name, (least, most) in LIMITS.items():
        value = getattr(appeal, name)
        if value is not None and not least <= value <= most:
            label = name.replace("_", " ")
            raise NewsletterError(f"The {label} must be between {least} and {most}.")


def _check_lengths(appeal: Appeal) -> None:
    try:
        appeal.clean_fields(exclude=["publication", "segment", "url", "turns_since"])
    except ValidationError as problem:
        name, messages = next(iter(problem.message_dict.items()))
        raise NewsletterError(f"The {name.replace('_', ' ')}: {messages[0]}") from problem
