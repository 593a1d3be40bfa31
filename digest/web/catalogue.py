"""What the catalogue of a publication shows of each newsletter, in the active language."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import get_day_names
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from digest.core import languages
from digest.core.links import absolute
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.publicity.frequency import Frequency, Often, frequency
from digest.sending.public_archive import cover_of, latest_issues, shown_stories


@dataclass(frozen=True, slots=True)
class Entry:
    """A newsletter of a catalogue."""

    newsletter: Newsletter
    often: str  # in words; empty where it has ended
    sample: Issue | None
    cover: str  # the address of a picture, or ""


def list_entries(publication: Publication, now: datetime) -> list[Entry]:
    """Return the public newsletters of a publication: those that take sign-ups, then the others."""
    rows = publication.newsletters.public().select_related("publication", "schedule")
    newsletters = sorted(rows, key=lambda row: (not row.accepts_signups, row.name, row.pk))
    latest = latest_issues(publication)
    return [_entry(row, latest.get(row.pk), now) for row in newsletters]


def linked_data(publication: Publication, entries: list[Entry]) -> dict[str, Any]:
    """Describe a catalogue to search engines (schema.org, JSON-LD)."""
    publisher = {"@type": "Organization", "name": publication.name, "url": publication.url}
    return {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "name": _("Newsletters of %(name)s") % {"name": publication.name},
        "url": absolute(reverse("catalogue", args=[publication.slug])),
        "publisher": publisher,
        "hasPart": [
            {
                "@type": "Periodical",
                "name": entry.newsletter.name,
                "description": entry.newsletter.description,
                "inLanguage": entry.newsletter.language or publication.language,
                "url": absolute(reverse("archive", args=[entry.newsletter.slug])),
                **({"image": entry.cover} if entry.cover else {}),
            }
            for entry in entries
        ],
    }


def _entry(newsletter: Newsletter, sample: Issue | None, now: datetime) -> Entry:
    rule = schedules.planned_rule(newsletter)
    often = _in_words(frequency(rule, now)) if newsletter.accepts_signups else ""
    return Entry(newsletter, often, sample, cover_of(shown_stories(sample)) if sample else "")


def _in_words(frequency: Frequency) -> str:
    """Return how often a newsletter comes, in the active language."""
    if frequency.often is Often.WEEKLY:
        locale = languages.best_match(get_language() or "").replace("-", "_")
        day = get_day_names("wide", locale=locale)[frequency.number]
        return _("Once a week: %(day)s") % {"day": day}
    if frequency.often is Often.DAYS_A_WEEK:
        return ngettext("%(number)d time a week", "%(number)d times a week", frequency.number) % {
            "number": frequency.number
        }
    return {
        Often.IRREGULARLY: _("From time to time"),
        Often.SEVERAL_A_DAY: _("Several times a day"),
        Often.DAILY: _("Every day"),
        Often.WORKDAYS: _("Monday to Friday"),
        Often.TWICE_A_MONTH: _("About twice a month"),
        Often.MONTHLY: _("About once a month"),
    }[frequency.often]
