"""Which issues the public may see: those that go out or went out, and no others."""

from datetime import UTC, datetime

from django.db.models import Prefetch, QuerySet
from django.utils.html import escape
from django.utils.translation import gettext as _

from digest.issues.models import Issue
from digest.newsletters.models import Cadence, Newsletter, Publication
from digest.sending.compiling import compiled_for

_NOTE = "max-width:600px;margin:0 auto 16px;padding:0 24px;font-family:sans-serif"
_PUBLIC = (Issue.State.SENDING, Issue.State.PAUSED, Issue.State.SENT)


def issues(newsletter: Newsletter) -> QuerySet[Issue]:
    """Return a newsletter's public issues, the latest first.

    Those of days and weeks say again what these said.
    """
    public = Issue.objects.filter(
        state__in=_PUBLIC, planned_at__isnull=False, cadence=Cadence.EVERY
    )
    return public.filter(newsletter=newsletter).order_by("-slot")


def find_issue(newsletter: Newsletter, key: str) -> Issue | None:
    """Return the public issue with this key (`20261123T070000Z`), or None."""
    try:
        slot = datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    # A slot may carry a fraction of a second, of which the key says nothing.
    end = slot.replace(microsecond=999_999)
    found = issues(newsletter).filter(slot__gte=slot, slot__lte=end).first()
    return found if found and found.key == key else None


def page_of(issue: Issue) -> str:
    """Return an issue as it was sent, as HTML; of a story that was taken back, a note."""
    compiled = compiled_for(issue)
    taken_back = list(issue.stories.exclude(retracted_at=None).order_by("position"))
    if not taken_back:
        return compiled.html()
    kept = issue.stories.filter(retracted_at=None).exclude(position__in=compiled.dropped)
    html = compiled.html(kept.values_list("position", flat=True))
    notes = "".join(
        f'<p style="{_NOTE}"><b>{escape(_("Taken back:"))}</b> {escape(story.title)}. '
        f"{escape(story.retraction)}</p>"
        for story in taken_back
    )
    body, end, rest = html.rpartition("</body>")
    return f"{body}{notes}{end}{rest}"


def publications() -> list[Publication]:
    """Return the publications that have an active newsletter, with those in `active`."""
    active = Newsletter.objects.filter(active=True).order_by("name")
    return list(
        Publication.objects.filter(newsletters__active=True)
        .distinct()
        .order_by("name")
        .prefetch_related(Prefetch("newsletters", queryset=active, to_attr="active"))
    )
