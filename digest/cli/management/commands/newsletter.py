"""`digest newsletter …`: what an editor sets up once."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.db.models import Count, Q
from rich.console import Console

from digest.cli import lookup, numbers
from digest.cli.errors import AskedError
from digest.core import clock
from digest.core.terminal import ActionCommand, facts, table
from digest.newsletters import schedules, setup
from digest.newsletters.models import Newsletter, Publication, Schedule
from digest.subscribers.audience import eligible

SLOTS = 5
# Options of `add` that are fields of the publication and of the newsletter as they are.
_PUBLICATION = ("tagline", "logo_url", "accent", "language", "reply_to")
_POLICIES = (
    *("description", "subject", "preheader", "intro", "min_stories", "max_stories"),
    *("look_back_hours", "thin", "widen_hours", "catch_up", "late_minutes", "in_doubt"),
)


class Command(ActionCommand):
    """Newsletters."""

    help = "Newsletters: add, list, show, pick an article for, pause, resume."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.action("add", "set up a newsletter, and its publication if that is new")
        add.add_argument("slug", help="its short name, in addresses and commands")
        add.add_argument("--name", required=True)
        add.add_argument("--publication", required=True, metavar="SLUG", help="the brand")
        _add_publication(add)
        _add_schedule(add)
        _add_policies(add)
        self.action("list", "every newsletter, and when it goes out next")
        self.action("show", "all about one newsletter").add_argument("slug")
        pick = self.action("pick", "put an article at the head of the next issue")
        pick.add_argument("slug")
        pick.add_argument("url", help="the article's address")
        self.action("pause", "send no further issues").add_argument("slug")
        self.action("resume", "send again, from the next slot on").add_argument("slug")

    def do_add(self, options: dict[str, Any]) -> None:
        """Set up a newsletter."""
        now = clock.now()
        with transaction.atomic():
            newsletter = setup.create_newsletter(
                _publication(options, now),
                slug=options["slug"],
                name=options["name"],
                now=now,
                **_when(options),
                topics=dict(_topic(text) for text in options["topic"]),
                **_given(options, _POLICIES),
            )
        known = _newsletter_facts(newsletter, now)
        slug = newsletter.slug
        self.answer(
            known,
            f"{newsletter.name} is set up. {_next_slot(known)}\n"
            f"Next: digest source add URL --newsletter {slug}\n"
            f"      digest subscriber add ADDRESS --newsletter {slug} --confirmed\n"
            f"      digest preview {slug}",
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List newsletters."""
        now = clock.now()
        known = [_newsletter_facts(one, now) for one in _newsletters()]
        self.answer(known, lambda out: _say_list(out, known))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one newsletter."""
        newsletter = lookup.newsletter(options["slug"])
        known = _newsletter_facts(newsletter, clock.now()) | _details(newsletter)
        self.answer(known, lambda out: _say_newsletter(out, newsletter, known))

    def do_pick(self, options: dict[str, Any]) -> None:
        """Pick an article by hand."""
        newsletter = lookup.newsletter(options["slug"])
        pick = setup.pick(newsletter, lookup.article(options["url"]), clock.now())
        self.answer(
            {"newsletter": newsletter.slug, "article": pick.article.title, "url": pick.article.url},
            f"{pick.article.title!r} waits in {pick.section.title!r} for the next issue.",
        )

    def do_pause(self, options: dict[str, Any]) -> None:
        """Stop the schedule."""
        self._set_active(lookup.newsletter(options["slug"]), active=False)

    def do_resume(self, options: dict[str, Any]) -> None:
        """Start the schedule again."""
        self._set_active(lookup.newsletter(options["slug"]), active=True)

    def _set_active(self, newsletter: Newsletter, *, active: bool) -> None:
        now = clock.now()
        setup.set_active(newsletter, active=active, now=now)
        known = _newsletter_facts(newsletter, now)
        paused = f"{newsletter.slug} is paused; an edition that is going out goes on."
        self.answer(
            known, f"{newsletter.slug} is active. {_next_slot(known)}" if active else paused
        )


def _add_publication(add: CommandParser) -> None:
    group = add.add_argument_group("the publication, if it is new")
    group.add_argument("--publication-name", metavar="NAME")
    group.add_argument("--url", help="its website")
    group.add_argument("--postal-address", metavar="TEXT", help="the law wants it in every mail")
    group.add_argument("--sender", metavar="ADDRESS", help="the address in From")
    group.add_argument("--sender-name", metavar="NAME", help="the name in From (the publication's)")
    group.add_argument("--reply-to", metavar="ADDRESS")
    group.add_argument("--tagline", metavar="TEXT")
    group.add_argument("--logo", dest="logo_url", metavar="URL")
    group.add_argument("--accent", metavar="#RRGGBB", help="the colour of links and rules")
    group.add_argument("--language", metavar="TAG", help="as in en or pt-BR")


def _add_schedule(add: CommandParser) -> None:
    group = add.add_argument_group("when it goes out (without: by hand only)")
    group.add_argument("--days", metavar="DAYS", help="daily, mon-fri, mon,wed (daily)")
    group.add_argument("--time", metavar="HH:MM")
    group.add_argument("--cron", metavar="LINE", default="", help="instead of days and time")
    group.add_argument("--timezone", metavar="ZONE", default="", help="as in Europe/London")


def _add_policies(add: CommandParser) -> None:
    group = add.add_argument_group("what is in it")
    group.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="TITLE=TAG,TAG",
        help="a section for these topics; may be repeated",
    )
    group.add_argument("--min", dest="min_stories", type=numbers.none_or_some, metavar="STORIES")
    group.add_argument("--max", dest="max_stories", type=numbers.some, metavar="STORIES")
    group.add_argument("--look-back", dest="look_back_hours", type=numbers.some, metavar="HOURS")
    group.add_argument("--thin", choices=Newsletter.Thin.values, help="if below the minimum")
    group.add_argument("--widen", dest="widen_hours", type=numbers.some, metavar="HOURS")
    group.add_argument("--subject", metavar="TEMPLATE")
    group.add_argument("--preheader", metavar="TEMPLATE")
    group.add_argument("--intro", metavar="TEMPLATE")
    group.add_argument("--description", metavar="TEXT")
    group = add.add_argument_group("when things are not as planned")
    group.add_argument("--catch-up", choices=Newsletter.CatchUp.values, help="after downtime")
    group.add_argument("--late", dest="late_minutes", type=numbers.some, metavar="MINUTES")
    group.add_argument("--in-doubt", choices=Newsletter.InDoubt.values, help="mail cut off midway")


def _publication(options: dict[str, Any], now: datetime) -> Publication:
    """Return the publication that was named, made now if it is new and fully described."""
    slug = options["publication"]
    needed = ("publication_name", "url", "postal_address", "sender")
    given = [name for name in (*needed, "sender_name", *_PUBLICATION) if options[name] is not None]
    known = Publication.objects.filter(slug=slug).first()
    if known and given:
        raise AskedError(f"There is a publication {slug!r} already; leave out {_flags(given)}.")
    if known:
        return known
    if missing := [name for name in needed if not options[name]]:
        raise AskedError(f"There is no publication {slug!r}. To make it, add {_flags(missing)}.")
    return setup.create_publication(
        slug=slug,
        name=options["publication_name"],
        url=options["url"],
        postal_address=options["postal_address"].replace("\\n", "\n"),
        sender_email=options["sender"],
        sender_name=options["sender_name"] or "",
        timezone=options["timezone"] or "UTC",
        now=now,
        **_given(options, _PUBLICATION),
    )


def _flags(names: list[str]) -> str:
    flags = {"logo_url": "logo"}
    return ", ".join(f"--{flags.get(name, name).replace('_', '-')}" for name in names)


def _given(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: options[name] for name in names if options[name] is not None}


def _when(options: dict[str, Any]) -> dict[str, Any]:
    at, days = options["time"], options["days"]
    if options["cron"] and (at or days):
        raise AskedError("Say either --cron, or --days and --time.")
    return {
        "days": setup.parse_days(days or "daily") if days or at else [],
        "at": setup.parse_time(at) if at else None,
        "cron": options["cron"],
        "timezone": options["timezone"],
    }


def _topic(text: str) -> tuple[str, list[str]]:
    title, equals, tags = text.partition("=")
    if not equals or not title.strip():
        raise AskedError(f"--topic {text!r}: write TITLE=TAG,TAG, as in 'Harbour=port,fishing'.")
    return title.strip(), tags.split(",")


def _newsletters() -> Any:
    return Newsletter.objects.select_related("publication", "schedule").order_by("slug")


def _schedule(newsletter: Newsletter) -> Schedule | None:
    return Schedule.objects.filter(newsletter=newsletter).first()


def _newsletter_facts(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    schedule = _schedule(newsletter)
    coming = schedules.upcoming(schedules.rule_of(schedule), now, SLOTS) if schedule else []
    zone = clock.zone(schedule.timezone if schedule else newsletter.publication.timezone)
    return {
        "slug": newsletter.slug,
        "name": newsletter.name,
        "publication": newsletter.publication.slug,
        "active": newsletter.active,
        "timezone": zone.key,
        "next_slots": coming if newsletter.active else [],
        "next_slots_local": [clock.spoken(slot, zone) for slot in coming if newsletter.active],
        "readers": eligible(newsletter.pk, now).count(),
    }


def _details(newsletter: Newsletter) -> dict[str, Any]:
    states = newsletter.subscriptions.aggregate(
        **{
            state: Count("id", filter=Q(state=state))
            for state in ("active", "pending", "unsubscribed")
        }
    )
    return {
        "list_id": newsletter.list_id,
        "subscriptions": states,
        "sources": [source.url for source in newsletter.sources.order_by("pk")],
        "sections": [
            {
                "title": section.title,
                "kind": section.kind,
                "topics": section.topics,
                "max_stories": section.max_stories,
                "picks": [pick.article.title for pick in section.picks.select_related("article")],
            }
            for section in newsletter.sections.all()
        ],
        "policies": {name: getattr(newsletter, name) for name in _POLICIES},
    }


def _next_slot(known: dict[str, Any]) -> str:
    if not known["active"]:
        return "paused"
    slots = known["next_slots_local"]
    return f"Next issue: {slots[0]}." if slots else "It has no schedule: send it by hand."


def _say_list(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("There is no newsletter yet. `digest newsletter add --help` tells how.")
        return
    rows = [(one["slug"], one["name"], f"{one['readers']:,}", _when_next(one)) for one in known]
    out.print(table(("Short name", "Name", "Readers", "Next issue"), rows))


def _when_next(one: dict[str, Any]) -> str:
    if not one["active"]:
        return "paused"
    return one["next_slots_local"][0] if one["next_slots_local"] else "by hand"


def _say_newsletter(out: Console, newsletter: Newsletter, known: dict[str, Any]) -> None:
    counts = known["subscriptions"]
    publication = newsletter.publication
    out.print(
        facts(
            [
                ("Name", newsletter.name),
                ("Publication", f"{publication.name}, {publication.url}"),
                ("From", f"{publication.sender_name} <{publication.sender_email}>"),
                ("List-Id", newsletter.list_id),
                ("State", "active" if newsletter.active else "paused"),
                ("Readers", f"{known['readers']:,} would receive it now"),
                ("", ", ".join(f"{count:,} {state}" for state, count in counts.items())),
                ("Stories", f"{newsletter.min_stories} to {newsletter.max_stories}"),
                ("Looks back", f"{newsletter.look_back_hours} hours"),
                ("If thin", newsletter.get_thin_display()),
                ("After downtime", newsletter.get_catch_up_display()),
                ("If in doubt", newsletter.get_in_doubt_display()),
            ]
        )
    )
    out.print("\nNext issues" if known["next_slots_local"] else f"\n{_next_slot(known)}")
    for slot in known["next_slots_local"]:
        out.print(f"  {slot}")
    _say_contents(out, known)


def _say_contents(out: Console, known: dict[str, Any]) -> None:
    out.print("\nSections")
    for section in known["sections"]:
        topics = f": {', '.join(section['topics'])}" if section["topics"] else ""
        out.print(f"  {section['title']} ({section['kind']}{topics})")
        for title in section["picks"]:
            out.print(f"    picked: {title}")
    out.print("\nSources" if known["sources"] else "\nNo sources yet. Add one:")
    for url in known["sources"]:
        out.print(f"  {url}")
    if not known["sources"]:
        out.print(f"  digest source add URL --newsletter {known['slug']}")
