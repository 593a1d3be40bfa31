"""What `digest issue …` prints: plain values for JSON, and tables for a person."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import Max, Min

from digest.cli.following import progress_values, sum_up
from digest.core import clock
from digest.core.terminal import Screen, details_table
from digest.issues.models import Issue
from digest.newsletters.models import Cadence, Schedule
from digest.sending.models import AnyDelivery, Chunk, Delivery
from digest.sending.preflight import CHECKS, Results
from digest.sending.progress import progress

Values = dict[str, Any]


def issue_values(issue: Issue) -> Values:
    """Return one issue with its progress."""
    return {
        "id": issue.pk,
        "newsletter": issue.newsletter.slug,
        "slot": issue.slot,
        "slot_local": clock.format_moment(issue.slot, zone_of(issue)),
        "kind": issue.kind,
        "cadence": issue.cadence,
        "state": issue.state,
        "reason": issue.reason,
        "subject": issue.subject,
        "goes_at": issue.goes_at,
        "topics": issue.only_topics,
        "segment": issue.segment.name if issue.segment else "",
        "archive_access": issue.archive_access,
        "revision": issue.revision,
        "progress": progress_values(progress(issue)),
        "built_at": issue.built_at,
        "planned_at": issue.planned_at,
        "finished_at": issue.finished_at,
    }


def content_values(issue: Issue) -> Values:
    """Return an issue's stories, and the articles that were left out with the reason."""
    fields = ("position", "topics", "title", "url", "reason")
    return {
        "stories": [
            {"block": str(story.block), **{name: getattr(story, name) for name in fields}}
            for story in issue.stories.select_related("block")
        ],
        "left_out": issue.left_out,
    }


def waiting_values(issue: Issue) -> Values:
    """Return between which moments those who wait are due: by zones, or deferred by servers."""
    waiting = issue.deliveries.filter(state__in=[Delivery.State.QUEUED, Delivery.State.DEFERRED])
    untried = Chunk.objects.filter(issue=issue)
    moments = [
        rows.aggregate(due_from=Min("due_at"), due_until=Max("due_at"))
        for rows in (waiting, untried)
    ]
    return {
        "due_from": min((row["due_from"] for row in moments if row["due_from"]), default=None),
        "due_until": max((row["due_until"] for row in moments if row["due_until"]), default=None),
    }


def delivery_values(delivery: AnyDelivery) -> Values:
    """Return one delivery."""
    return {
        "id": delivery.id,
        "email": delivery.subscriber.email if delivery.subscriber else "",
        "state": delivery.get_state_display(),
        "at": delivery.at,
        "attempts": delivery.attempts,
        "reply": f"{delivery.reply_code or ''} {delivery.reply}".strip(),
    }


def zone_of(issue: Issue) -> tzinfo:
    """Return the zone in which an issue's times are shown: its schedule's, or the publication's."""
    schedule = Schedule.objects.filter(newsletter=issue.newsletter_id).first()
    return clock.zone(schedule.timezone if schedule else issue.newsletter.publication.timezone)


def print_issues(out: Screen, issues: list[Values]) -> None:
    """Print a table of issues."""
    if not issues:
        out.print("There are no issues yet. To preview the next one: digest preview NEWSLETTER")
        return
    rows = [
        (
            issue["id"],
            issue["newsletter"],
            _slot(issue),
            issue["state"],
            f"{issue['progress']['sent']:,} of {issue['progress']['eligible']:,}",
            issue["subject"] or issue["reason"],
        )
        for issue in issues
    ]
    out.print_table(("Id", "Newsletter", "Slot", "State", "Sent", "Subject or reason"), rows)


def print_issue(out: Screen, issue: Issue, values: Values) -> None:
    """Print everything about one issue."""
    zone = zone_of(issue)
    out.print(
        details_table(
            [
                ("Issue", f"{issue.pk} of {issue.newsletter.slug}, {issue.kind}"),
                ("Slot", values["slot_local"]),
                ("For", _audience(issue)),
                ("State", issue.get_state_display()),
                ("Reason", issue.reason),
                ("Subject", issue.subject),
                ("Built", clock.format_moment(issue.built_at, zone)),
                ("Planned", _moment(issue.planned_at, zone)),
                ("Finished", _moment(issue.finished_at, zone)),
                ("Subscribers", sum_up(progress(issue))),
                ("Pace", _pace(values["pace"], zone)),
                ("Still due", _span(values["due_from"], values["due_until"], zone)),
            ]
        )
    )
    for heading, columns in {
        "Stories": ("Block", "Title", "Reason"),
        "Left out": ("Title", "Reason"),
    }.items():
        rows = values[heading.lower().replace(" ", "_")]
        if rows:
            out.print(f"\n{heading}")
            out.print_table(columns, ([row[name.lower()] for name in columns] for row in rows))


def print_deliveries(out: Screen, deliveries: list[Values], after: str) -> None:
    """Print a page of deliveries; `after` is where the next one begins, blank at the end."""
    if not deliveries:
        out.print("There are no deliveries.")
        return
    rows = [
        (
            delivery["email"] or "(erased)",
            delivery["state"],
            clock.format_moment(delivery["at"]),
            delivery["reply"],
        )
        for delivery in deliveries
    ]
    out.print_table(("Subscriber", "State", "Time", "SMTP reply or reason"), rows)
    if after:
        out.print(f"\nNext page: --after {after}")


def print_uncertain(out: Screen, deliveries: list[Values]) -> None:
    """Print the deliveries whose outcome nobody knows, with their Message-IDs."""
    if not deliveries:
        out.print("No delivery is uncertain.")
        return
    rows = [(row["email"] or "(erased)", row["message_id"], row["reply"]) for row in deliveries]
    out.print_table(("Subscriber", "Message-ID", "Reason"), rows)


def preflight_values(issue: Issue, results: Results) -> Values:
    """Return what the preflight checks say, what stops the issue first."""
    return {
        "revision": issue.revision,
        "ready": results.is_ready,
        "findings": [asdict(finding) for finding in results.most_serious_first],
        "passed": [asdict(passed) for passed in results.passed],
    }


def print_preflight(out: Screen, values: Values) -> None:
    """Print what the preflight checks say: what to fix, then what passed."""
    rows = [
        (finding["level"], finding["problem"], _places(finding["places"]), finding["advice"])
        for finding in values["findings"]
    ]
    if rows:
        out.print_table(("Level", "Problem", "Where", "What to do"), rows)
    else:
        out.print("All checks passed.")
    out.print(details_table([(CHECKS[row["check"]], row["summary"]) for row in values["passed"]]))


def _places(places: Sequence[Values]) -> str:
    details = [f"{place['label']} ({place['detail']})" for place in places if place["detail"]]
    return ", ".join(details or [place["label"] for place in places])


def _slot(issue: Values) -> str:
    is_usual = issue["cadence"] == Cadence.EVERY
    return str(issue["slot_local"]) if is_usual else f"{issue['slot_local']}, {issue['cadence']}"


def _audience(issue: Issue) -> str:
    """Return which subscribers an issue is for; blank for all who want every issue."""
    limits = [f"who receive it {issue.get_cadence_display()}"]
    if issue.cadence == Cadence.EVERY:
        limits = []
    if issue.segment:
        limits.append(f"of the segment “{issue.segment}”")
    if issue.only_topics:
        limits.append(f"who chose {' or '.join(issue.only_topics)}")
    return f"subscribers {' '.join(limits)}" if limits else ""


def _pace(pace: Values, zone: tzinfo) -> str:
    if not pace["per_second"]:
        return ""
    end = clock.format_moment(pace["ends_at"], zone)
    return f"{pace['per_second']:,.1f} a second; expected to finish {end}"


def _span(first: datetime | None, last: datetime | None, zone: tzinfo) -> str:
    if not first or not last:
        return ""
    if first == last:
        return clock.format_moment(first, zone)
    return f"from {clock.format_moment(first, zone)} to {clock.format_moment(last, zone)}"


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return clock.format_moment(at, zone) if at else ""
