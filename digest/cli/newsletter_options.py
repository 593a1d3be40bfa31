"""What can be said of a newsletter at the terminal: the options, and how they are read."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from digest.cli import numbers
from digest.cli.errors import UsageError
from digest.newsletters import reading, setup
from digest.newsletters.audiences.models import Segment
from digest.newsletters.choices import Approval, CatchUp, Design, Thin, TopicLinks, UncertainPolicy
from digest.newsletters.models import Newsletter, Publication, Tracking
from digest.newsletters.publicity import restricting
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.newsletters.publicity.states import NewsletterState

# Options of `add` that are fields of the publication and of the newsletter as they are.
_PUBLICATION = ("tagline", "logo_url", "accent", "language", "reply_to", "tracking")
POLICIES = (
    *("description", "subject", "preheader", "min_stories", "max_stories"),
    *("look_back_hours", "thin", "widen_hours", "catch_up", "late_minutes", "uncertain"),
)
DESIGN = ("design", "share_links", "reading_time", "contents_from", "topic_links")


def add_publication(add: CommandParser) -> None:
    """Take what describes a publication."""
    group = add.add_argument_group("the publication, if it is new")
    group.add_argument("--publication-name", metavar="NAME")
    group.add_argument("--url", help="its website")
    group.add_argument(
        "--postal-address", metavar="TEXT", help="the law requires it in every email"
    )
    group.add_argument("--sender", metavar="ADDRESS", help="the address in From")
    group.add_argument("--sender-name", metavar="NAME", help="the name in From (the publication's)")
    group.add_argument("--reply-to", metavar="ADDRESS")
    group.add_argument("--tagline", metavar="TEXT")
    group.add_argument("--logo", dest="logo_url", metavar="URL")
    group.add_argument("--accent", metavar="#RRGGBB", help="the colour of links and rules")
    group.add_argument("--language", metavar="TAG", help="as in en or pt-BR")
    group.add_argument(
        "--tracking", choices=Tracking.values, help="which clicks are counted (aggregate)"
    )


def add_schedule(add: CommandParser) -> None:
    """Take days and a time, or a cron line, and their zone."""
    group = add.add_argument_group("schedule (without it, issues are sent manually)")
    group.add_argument("--days", metavar="DAYS", help="daily, mon-fri, mon,wed (daily)")
    group.add_argument("--time", metavar="HH:MM")
    group.add_argument("--cron", metavar="LINE", default="", help="instead of days and time")
    group.add_argument("--timezone", metavar="ZONE", default="", help="as in Europe/London")


def add_offer(parser: CommandParser) -> None:
    """Take what subscribers are offered."""
    group = parser.add_argument_group("what subscribers are offered")
    group.add_argument(
        "--offer",
        metavar="CADENCES",
        help="what they may choose instead of every issue: daily, weekly, daily,weekly, or none",
    )
    group.add_argument(
        "--state",
        choices=NewsletterState.values,
        help="who may know of it, subscribe, and whether it is sent (a new newsletter: live)",
    )
    _add_switch(
        group,
        "welcome_with_latest",
        ("--welcome-with-latest", "--no-welcome-with-latest"),
        "the latest issue comes with the welcome",
    )
    _add_switch(
        group,
        "send_in_local_time",
        ("--local-time", "--schedule-time"),
        "at the schedule's time of day in each subscriber's own zone",
    )
    _add_switch(
        group,
        "redirect_links",
        ("--redirect-links", "--no-redirect-links"),
        "link stories through this installation, so that a retracted one leads to a note",
    )


def add_audience(parser: CommandParser) -> None:
    """Take for whom a newsletter is, and who may read its past issues."""
    group = parser.add_argument_group("members and archive")
    group.add_argument(
        "--segment", metavar="NAME", help="only its subscribers receive issues; none: everyone"
    )
    group.add_argument("--membership-url", metavar="URL", help="where to become a member")
    group.add_argument(
        "--archive", choices=ArchiveAccess.values, help="who may read past issues (public)"
    )
    group.add_argument("--archive-password", metavar="TEXT", help="of an archive with a password")


def set_audience(newsletter: Newsletter, options: dict[str, Any]) -> bool:
    """Apply what was said of it; return whether anything was."""
    values = provided_options(options, ("segment", "membership_url"))
    if values:
        name = values.get("segment")
        segment = newsletter.segment if name is None else _segment(newsletter, name)
        url = values.get("membership_url", newsletter.membership_url)
        restricting.set_members(newsletter, segment, url)
    archive = provided_options(options, ("archive", "archive_password"))
    if archive:
        access = archive.get("archive", newsletter.archive_access)
        restricting.set_archive(newsletter, access, archive.get("archive_password", ""))
    return bool(values or archive)


def _segment(newsletter: Newsletter, name: str) -> Segment | None:
    if name == "none":
        return None
    if segment := newsletter.publication.segments.filter(name=name).first():
        return segment
    raise UsageError(
        f"There is no segment {name!r}. List them: "
        f"`digest segment list --publication {newsletter.publication.slug}`."
    )


def add_design(parser: CommandParser) -> None:
    """Take how stories are laid out, and what stands beside them."""
    group = parser.add_argument_group("design")
    group.add_argument("--design", choices=Design.values, help="how stories are laid out")
    _add_switch(
        group,
        "share_links",
        ("--share-links", "--no-share-links"),
        "links in the footer to share an issue",
    )
    _add_switch(
        group,
        "reading_time",
        ("--reading-time", "--no-reading-time"),
        "how many minutes a story takes",
    )
    group.add_argument(
        "--topic-links",
        choices=TopicLinks.values,
        help="where a mail has links for more or less of a topic (none)",
    )
    group.add_argument(
        "--contents-from",
        type=numbers.none_or_some,
        metavar="STORIES",
        help="so many stories get a list of headlines at the top; 0: never (8)",
    )


def add_approval(parser: CommandParser) -> None:
    """Take who looks at an issue before it goes out."""
    group = parser.add_argument_group("review")
    group.add_argument(
        "--approval",
        choices=Approval.values,
        help="who must approve an issue before it is sent (a new newsletter: one)",
    )
    for flag, unit, help_text in (
        ("review", "minutes", "before sending, to build each issue (a new newsletter: 60)"),
        ("undo", "seconds", "in which `send` can be undone (30)"),
    ):
        group.add_argument(
            f"--{flag}",
            dest=f"{flag}_{unit}",
            type=numbers.none_or_some,
            metavar=unit.upper(),
            help=f"how many {unit} {help_text}",
        )


def approval_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return what was said of it, as setup takes it."""
    return provided_options(options, ("approval", "review_minutes", "undo_seconds"))


def _add_switch(group: Any, name: str, flags: tuple[str, str], line: str) -> None:
    exclusive = group.add_mutually_exclusive_group()
    for flag, value in zip(flags, (True, False), strict=True):
        help_text = line if value else "the opposite"
        exclusive.add_argument(flag, dest=name, action="store_const", const=value, help=help_text)


def offer(options: dict[str, Any]) -> dict[str, Any]:
    """Return what was said of it, as setup takes it."""
    values = provided_options(
        options, ("welcome_with_latest", "send_in_local_time", "redirect_links")
    )
    if options["offer"] is not None:
        values["cadences"] = reading.parse_cadences(options["offer"])
    return values


def add_policies(add: CommandParser) -> None:
    """Take what is in it, and what to do when things are not as planned."""
    group = add.add_argument_group("content")
    group.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="TITLE=TAG,TAG",
        help="a section for these topics; may be repeated",
    )
    group.add_argument("--min", dest="min_stories", type=numbers.none_or_some, metavar="STORIES")
    group.add_argument("--max", dest="max_stories", type=numbers.positive, metavar="STORIES")
    group.add_argument(
        "--look-back", dest="look_back_hours", type=numbers.positive, metavar="HOURS"
    )
    group.add_argument("--thin", choices=Thin.values, help="if below the minimum")
    group.add_argument("--widen", dest="widen_hours", type=numbers.positive, metavar="HOURS")
    group.add_argument("--subject", metavar="TEMPLATE")
    group.add_argument("--preheader", metavar="TEMPLATE")
    group.add_argument("--description", metavar="TEXT")
    group = add.add_argument_group("exceptions")
    group.add_argument("--catch-up", choices=CatchUp.values, help="after downtime")
    group.add_argument("--late", dest="late_minutes", type=numbers.positive, metavar="MINUTES")
    group.add_argument(
        "--uncertain",
        choices=UncertainPolicy.values,
        help="when an email may or may not be sent",
    )


def publication(options: dict[str, Any], now: datetime) -> Publication:
    """Return the publication that was named, made now if it is new and fully described."""
    slug = options["publication"]
    needed = ("publication_name", "url", "postal_address", "sender")
    provided = [
        name for name in (*needed, "sender_name", *_PUBLICATION) if options[name] is not None
    ]
    existing = Publication.objects.filter(slug=slug).first()
    if existing and provided:
        raise UsageError(f"There is a publication {slug!r} already; leave out {_flags(provided)}.")
    if existing:
        return existing
    if missing := [name for name in needed if not options[name]]:
        raise UsageError(f"There is no publication {slug!r}. To make it, add {_flags(missing)}.")
    return setup.create_publication(
        slug=slug,
        name=options["publication_name"],
        url=options["url"],
        postal_address=options["postal_address"].replace("\\n", "\n"),
        sender_email=options["sender"],
        sender_name=options["sender_name"] or "",
        timezone=options["timezone"] or "UTC",
        now=now,
        **provided_options(options, _PUBLICATION),
    )


def _flags(names: list[str]) -> str:
    flags = {"logo_url": "logo"}
    return ", ".join(f"--{flags.get(name, name).replace('_', '-')}" for name in names)


def provided_options(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return those options that were given."""
    return {name: options[name] for name in names if options[name] is not None}


def schedule_values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the schedule, as setup takes it."""
    at, days = options["time"], options["days"]
    if options["cron"] and (at or days):
        raise UsageError("Say either --cron, or --days and --time.")
    return {
        "days": reading.parse_days(days or "daily") if days or at else [],
        "at": reading.parse_time(at) if at else None,
        "cron": options["cron"],
        "timezone": options["timezone"],
    }


def topic(text: str) -> tuple[str, list[str]]:
    """Read a section: its title, its tags."""
    title, equals, tags = text.partition("=")
    if not equals or not title.strip():
        raise UsageError(f"--topic {text!r}: write TITLE=TAG,TAG, as in 'Harbour=port,fishing'.")
    return title.strip(), tags.split(",")
