"""`digest newsletter …`: what an editor sets up once."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.forms.models import model_to_dict

from digest.cli import lookup, newsletter_options
from digest.cli.errors import UsageError
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen, details_table
from digest.core.text import counted
from digest.newsletters import schedules, setup
from digest.newsletters.models import Cadence, Newsletter, Schedule
from digest.newsletters.publicity.states import MEANINGS, SENDING, NewsletterState
from digest.subscribers.audience import audience_of, eligible

SLOTS = 5
_OFFER = ("cadences", "welcome_with_latest", "send_in_local_time", "redirect_links")


class Command(ActionCommand):
    """Newsletters."""

    help = "Newsletters: add, set, list, show, pick an article for, pause, resume."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "set up a newsletter, and its publication if that is new")
        add.add_argument("slug", help="its short name, in addresses and commands")
        add.add_argument("--name", required=True)
        add.add_argument("--publication", required=True, metavar="SLUG", help="the brand")
        newsletter_options.add_publication(add)
        newsletter_options.add_schedule(add)
        newsletter_options.add_offer(add)
        newsletter_options.add_policies(add)
        newsletter_options.add_approval(add)
        newsletter_options.add_design(add)
        change = self.changing("set", "change what subscribers are offered, review and design")
        change.add_argument("slug")
        newsletter_options.add_offer(change)
        newsletter_options.add_approval(change)
        newsletter_options.add_audience(change)
        newsletter_options.add_design(change)
        self.reading("list", "every newsletter, and when it goes out next")
        self.reading("show", "all about one newsletter").add_argument("slug")
        pick = self.changing("pick", "put an article at the head of the next issue")
        pick.add_argument("slug")
        pick.add_argument("url", help="the article's address")
        self.changing("pause", "send no further issues of a live one").add_argument("slug")
        resume = self.changing("resume", "send a paused one again, from the next slot on")
        resume.add_argument("slug")

    def do_add(self, options: dict[str, Any]) -> None:
        """Set up a newsletter."""
        now = clock.now()
        with transaction.atomic():
            newsletter = setup.create_newsletter(
                newsletter_options.publication(options, now),
                slug=options["slug"],
                name=options["name"],
                now=now,
                **newsletter_options.schedule_values(options),
                topics=dict(newsletter_options.topic(text) for text in options["topic"]),
                **newsletter_options.offer(options),
                **newsletter_options.provided_options(options, ("state",)),
                **newsletter_options.provided_options(options, newsletter_options.POLICIES),
                **newsletter_options.approval_options(options),
                **newsletter_options.provided_options(options, newsletter_options.DESIGN),
            )
        values = _newsletter_values(newsletter, now)
        slug = newsletter.slug
        warnings = "".join(f"Warning: {warning}\n" for warning in values["warnings"])
        self.answer(
            values,
            f"{newsletter.name} is set up. {_next_slot(values)}\n{warnings}"
            f"{_describe_approval(newsletter)}\n"
            f"Next: digest source add URL --newsletter {slug}\n"
            f"      digest subscriber add ADDRESS --newsletter {slug} --confirmed\n"
            f"      digest preview {slug}",
        )

    def do_set(self, options: dict[str, Any]) -> None:
        """Change what subscribers are offered."""
        newsletter = lookup.newsletter(options["slug"])
        offer, approval = (
            newsletter_options.offer(options),
            newsletter_options.approval_options(options),
        )
        design = newsletter_options.provided_options(options, newsletter_options.DESIGN)
        with transaction.atomic():
            changes_audience = newsletter_options.set_audience(newsletter, options)
            if not any((offer, approval, design, options["state"], changes_audience)):
                raise UsageError(
                    "Say what to change: --state, --offer, --welcome-with-latest, --local-time, "
                    "--redirect-links, --approval, --review, --undo, --design, --share-links, "
                    "--reading-time, --contents-from, --segment, --membership-url, --archive or "
                    "--archive-password."
                )
            setup.change_newsletter(newsletter, **design)
            setup.set_approval(newsletter, **approval)
            setup.set_offer(newsletter, **offer)
            if options["state"]:
                setup.set_state(newsletter, options["state"], clock.now())
        values = _newsletter_values(newsletter, clock.now()) | model_to_dict(newsletter, _OFFER)
        values |= _approval_values(newsletter) | _design_values(newsletter)
        values |= _audience_values(newsletter)
        summary = f"{newsletter.slug} is offered {_describe_offer(values)}."
        self.answer(values, f"{summary} {_describe_approval(newsletter)}" if approval else summary)

    def do_list(self, _options: dict[str, Any]) -> None:
        """List newsletters."""
        now = clock.now()
        newsletters = [_newsletter_values(newsletter, now) for newsletter in _newsletters()]
        self.answer(newsletters, lambda out: _print_list(out, newsletters))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one newsletter."""
        newsletter = lookup.newsletter(options["slug"])
        values = _newsletter_values(newsletter, clock.now()) | _detail_values(newsletter)
        values |= _approval_values(newsletter) | _design_values(newsletter)
        values |= _audience_values(newsletter)
        self.answer(values, lambda out: _print_newsletter(out, newsletter, values))

    def do_pick(self, options: dict[str, Any]) -> None:
        """Pick an article for the next issue."""
        newsletter = lookup.newsletter(options["slug"])
        article = lookup.article(options["url"], newsletter.publication_id)
        pick = setup.pick(newsletter, article, clock.now())
        self.answer(
            {"newsletter": newsletter.slug, "article": pick.article.title, "url": pick.article.url},
            f"{pick.article.title!r} waits in {pick.block.title!r} for the next issue.",
        )

    def do_pause(self, options: dict[str, Any]) -> None:
        """Stop the schedule."""
        newsletter = self._in_state(options["slug"], NewsletterState.LIVE, NewsletterState.PAUSED)
        setup.set_state(newsletter, NewsletterState.PAUSED, clock.now())
        self.answer(
            _newsletter_values(newsletter, clock.now()),
            f"{newsletter.slug} is paused; an issue that is going out goes on.",
        )

    def do_resume(self, options: dict[str, Any]) -> None:
        """Start the schedule again."""
        newsletter = self._in_state(options["slug"], NewsletterState.PAUSED, NewsletterState.LIVE)
        setup.set_state(newsletter, NewsletterState.LIVE, clock.now())
        values = _newsletter_values(newsletter, clock.now())
        self.answer(values, f"{newsletter.slug} is live. {_next_slot(values)}")

    def _in_state(self, slug: str, *possible: NewsletterState) -> Newsletter:
        """Return a newsletter; raise UsageError for one that is neither live nor paused."""
        newsletter = lookup.newsletter(slug)
        if newsletter.state not in possible:
            raise UsageError(
                f"{slug} is {newsletter.state}, not {possible[0]}. "
                f"To change its state: `digest newsletter set {slug} --state STATE`."
            )
        return newsletter


def _approval_values(newsletter: Newsletter) -> dict[str, Any]:
    names = ("approval", "review_minutes", "undo_seconds")
    return model_to_dict(newsletter, names)


def _design_values(newsletter: Newsletter) -> dict[str, Any]:
    return model_to_dict(newsletter, newsletter_options.DESIGN)


def _audience_values(newsletter: Newsletter) -> dict[str, Any]:
    segment = newsletter.segment
    names = ("membership_url", "archive_access")
    return {"segment": segment.name if segment else ""} | model_to_dict(newsletter, names)


def _describe_approval(newsletter: Newsletter) -> str:
    approval = newsletter.get_approval_display()
    minutes = counted(newsletter.review_minutes, "minute")
    seconds = counted(newsletter.undo_seconds, "second")
    return (
        f"An issue is ready for review {minutes} before sending. Approval: {approval}. "
        f"Sending can be undone for {seconds}."
    )


def _newsletters() -> Any:
    return Newsletter.objects.select_related("publication", "schedule").order_by("slug")


def _schedule(newsletter: Newsletter) -> Schedule | None:
    return Schedule.objects.filter(newsletter=newsletter).first()


def _newsletter_values(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    schedule = _schedule(newsletter)
    coming = schedules.upcoming(schedules.rule_of(schedule), now, SLOTS) if schedule else []
    zone = clock.zone(schedule.timezone if schedule else newsletter.publication.timezone)
    return {
        "slug": newsletter.slug,
        "name": newsletter.name,
        "publication": newsletter.publication.slug,
        "state": newsletter.state,
        "timezone": zone.key,
        "warnings": schedules.warnings(schedule),
        "next_slots": coming if newsletter.is_sending else [],
        "next_slots_local": [
            clock.format_moment(slot, zone) for slot in coming if newsletter.is_sending
        ],
        "subscribers": eligible(newsletter.pk, now, audience_of(newsletter, now)).count(),
    }


def _describe_offer(values: dict[str, Any]) -> str:
    cadences = [Cadence.EVERY, *map(Cadence, values["cadences"])]
    parts = [
        " or ".join(str(cadence.label) for cadence in cadences),
        *(["with the latest issue in the welcome"] if values["welcome_with_latest"] else []),
        *(
            ["at its time of day in each subscriber's own zone"]
            if values["send_in_local_time"]
            else []
        ),
        *(["stories linked by way of us"] if values["redirect_links"] else []),
    ]
    return ", ".join(parts)


def _detail_values(newsletter: Newsletter) -> dict[str, Any]:
    states = newsletter.subscriptions.aggregate(
        **{
            state: Count("id", filter=Q(state=state))
            for state in ("active", "pending", "unsubscribed")
        }
    )
    return {
        "list_id": newsletter.list_id,
        **model_to_dict(newsletter, _OFFER),
        "subscriptions": states,
        "sources": [source.url for source in newsletter.sources.order_by("pk")],
        "layout": [
            {
                "title": block.title,
                "kind": block.kind,
                "topics": block.topics,
                "max_stories": block.max_stories,
                "picks": [pick.article.title for pick in block.picks.select_related("article")],
            }
            for block in newsletter.layout.all()
        ],
        "policies": model_to_dict(newsletter, newsletter_options.POLICIES),
    }


def _next_slot(values: dict[str, Any]) -> str:
    if values["state"] not in SENDING:
        return f"It is {values['state']}: no issues are sent on schedule."
    slots = values["next_slots_local"]
    return f"Next issue: {slots[0]}." if slots else "It has no schedule: send it manually."


def _print_list(out: Screen, newsletters: list[dict[str, Any]]) -> None:
    rows = [
        (row["slug"], row["name"], f"{row['subscribers']:,}", _when_next(row))
        for row in newsletters
    ]
    out.print_table(
        ("Short name", "Name", "Subscribers", "Next issue"),
        rows,
        empty="There is no newsletter yet. `digest newsletter add --help` tells how.",
    )


def _when_next(values: dict[str, Any]) -> str:
    if values["state"] not in SENDING:
        return str(values["state"])
    return values["next_slots_local"][0] if values["next_slots_local"] else "manual"


def _describe_state(newsletter: Newsletter) -> str:
    return f"{newsletter.get_state_display()}. {MEANINGS[NewsletterState(newsletter.state)]}"


def _print_newsletter(out: Screen, newsletter: Newsletter, values: dict[str, Any]) -> None:
    counts = values["subscriptions"]
    publication = newsletter.publication
    out.print(
        details_table(
            [
                ("Name", newsletter.name),
                ("Publication", f"{publication.name}, {publication.url}"),
                ("From", f"{publication.sender_name} <{publication.sender_email}>"),
                ("List-Id", newsletter.list_id),
                ("State", _describe_state(newsletter)),
                ("Subscribers", f"{values['subscribers']:,} would receive it now"),
                ("", ", ".join(f"{count:,} {state}" for state, count in counts.items())),
                ("Offered", _describe_offer(values)),
                ("Only for", values["segment"] or "everyone who subscribes"),
                ("Past issues", newsletter.get_archive_access_display()),
                ("Stories", f"{newsletter.min_stories} to {newsletter.max_stories}"),
                ("Looks back", counted(newsletter.look_back_hours, "hour")),
                ("If thin", newsletter.get_thin_display()),
                ("After downtime", newsletter.get_catch_up_display()),
                ("If uncertain", newsletter.get_uncertain_display()),
            ]
        )
    )
    out.print("\nNext issues" if values["next_slots_local"] else f"\n{_next_slot(values)}")
    for slot in values["next_slots_local"]:
        out.print(f"  {slot}")
    for warning in values["warnings"]:
        out.print(f"Warning: {warning}", style="yellow")
    _print_contents(out, values)


def _print_contents(out: Screen, values: dict[str, Any]) -> None:
    out.print("\nLayout")
    for block in values["layout"]:
        topics = f": {', '.join(block['topics'])}" if block["topics"] else ""
        out.print(f"  {block['title'] or '-'} ({block['kind']}{topics})")
        for title in block["picks"]:
            out.print(f"    picked: {title}")
    out.print("\nSources" if values["sources"] else "\nNo sources yet. Add one:")
    for url in values["sources"]:
        out.print(f"  {url}")
    if not values["sources"]:
        out.print(f"  digest source add URL --newsletter {values['slug']}")
