"""Checks of the subject and the preview text: length, and not the last issue's again."""

from collections.abc import Iterator

from digest.issues.models import Issue
from digest.rendering.compiled import Compiled
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck, Place

CHECK = "subject"
LONG_SUBJECT = 70  # characters: phones show no more of a subject
_SUBJECT = (Place("subject", "Subject"),)
_PREHEADER = (Place("preheader", "Preview text"),)


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield what is wrong with the two lines that inboxes show."""
    if material.compiled is None:
        return
    findings = list(_findings(material, material.compiled))
    yield from findings
    if not findings:
        yield PassedCheck(
            CHECK, f"{len(material.compiled.subject)} characters, with a preview text"
        )


def _findings(material: Material, compiled: Compiled) -> Iterator[Finding]:
    subject, preheader = compiled.subject.strip(), compiled.preheader.strip()
    if len(subject) > LONG_SUBJECT:
        text = f"The subject has {len(subject)} characters; phones show about 40 to 70."
        yield Finding(CHECK, Level.WARN, text, "Shorten it.", _SUBJECT)
    if not preheader:
        text = "There is no preview text: inboxes show the beginning of the mail instead."
        yield Finding(CHECK, Level.WARN, text, "Write one.", _PREHEADER)
    elif preheader.casefold() == subject.casefold():
        text = "The preview text repeats the subject."
        yield Finding(CHECK, Level.WARN, text, "Say something new in it.", _PREHEADER)
    if subject.casefold() == _last_subject(material.issue).casefold():
        text = "The last issue had the same subject."
        advice = "Write another one: inboxes put both into one conversation."
        yield Finding(CHECK, Level.WARN, text, advice, _SUBJECT)


def _last_subject(issue: Issue) -> str:
    """Return the subject of the issue that went out last to the same subscribers."""
    sent = issue.newsletter.issues.exclude(pk=issue.pk).filter(planned_at__isnull=False)
    rows = sent.filter(cadence=issue.cadence).order_by("-planned_at", "-pk")
    return (rows.values_list("subject", flat=True).first() or "").strip()
