"""Runs the checks of an issue: quick ones whenever it is looked at, slow ones when asked."""

from collections.abc import Callable, Iterable
from datetime import datetime
from types import ModuleType

from digest.issues.models import Issue
from digest.rendering.errors import RenderingError
from digest.sending.compiling import compiled_for
from digest.sending.preflight import (
    accessibility,
    blocks,
    colours,
    dates,
    links,
    logos,
    mail,
    pictures,
    sender,
    spam,
    stories,
    storing,
    texts,
    timing,
)
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, PassedCheck, Results

Check = Callable[[Material], Iterable[Finding | PassedCheck]]

QUICK = (stories, blocks, pictures, texts, dates, mail, accessibility, colours, sender, timing)
SLOW = (links, logos, spam)  # they wait for other servers


def examine(issue: Issue, now: datetime, *, network: bool = True) -> Results:
    """Run all checks of an issue, and store what the slow ones say until the issue changes.

    Without `network` no link is requested and rspamd is not asked.
    """
    material = material_of(issue, now)
    results = Results()
    _run(QUICK, material, results)
    if network and material.compiled:
        slow = Results()
        _run(SLOW, material, slow)
        storing.store(issue, slow, now)
        results.add(*slow.findings, *slow.passed)
    return results


def examine_quickly(issue: Issue, now: datetime) -> tuple[Results, datetime | None]:
    """Run the quick checks; add what the slow ones said of this revision, and when that was.

    The moment is None if they have not run since the issue was changed.
    """
    material = material_of(issue, now)
    results = Results()
    _run(QUICK, material, results)
    slow, checked_at = storing.load(issue)
    results.add(*slow.findings, *slow.passed)
    return results, checked_at


def material_of(issue: Issue, now: datetime) -> Material:
    """Return what the checks look at; the issue is compiled, unless it cannot be."""
    rows = list(issue.stories.filter(retracted_at=None).select_related("article", "picture"))
    visible = list(issue.blocks.filter(hidden=False).select_related("appeal"))
    try:
        return Material(issue, rows, visible, now, compiled_for(issue))
    except RenderingError as problem:
        return Material(issue, rows, visible, now, problem=str(problem))


def _run(checks: Iterable[ModuleType], material: Material, results: Results) -> None:
    for module in checks:
        check: Check = module.check
        results.add(*check(material))
