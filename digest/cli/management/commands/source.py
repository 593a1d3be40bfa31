"""`digest source …`: where articles come from."""

from typing import Any

from digest.articles import polling, switching
from digest.articles.discovery import add_and_poll, with_scheme
from digest.articles.models import Source
from digest.articles.polling import PollResult
from digest.cli import lookup
from digest.cli.errors import UsageError
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.core.text import counted
from digest.newsletters.models import Publication

MOST_TITLES = 10  # articles of a new source


class Command(ActionCommand):
    """Sources."""

    help = "Sources: add a feed or a page, list them, poll now."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "find the feed at an address, poll it, and use it")
        add.add_argument("url", help="of a feed, a site, or an article")
        add.add_argument("--newsletter", metavar="SLUG", required=True)
        self.reading("list", "every source, and how it is doing")
        poll = self.reading("poll", "look for new articles now")
        poll.add_argument("url", nargs="?", help="of a source; without it, those that are due")
        on = self.changing("switch-on", "poll a source again that was switched off")
        on.add_argument("url")

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a source, and show what came in."""
        newsletter = lookup.newsletter(options["newsletter"])
        now = clock.now()
        polled = add_and_poll(newsletter.publication_id, options["url"], now)
        source = polled.source
        newsletter.sources.add(source)
        titles = list(
            source.articles.order_by("-available_at", "pk").values_list("title", flat=True)[
                :MOST_TITLES
            ]
        )
        values = _poll_values(polled) | {"newsletter": newsletter.slug, "articles": titles}
        self.answer(values, lambda out: _print_added(out, polled, titles, newsletter.slug))

    def do_list(self, _options: dict[str, Any]) -> None:
        """List sources."""
        slugs = dict(Publication.objects.values_list("pk", "slug"))
        sources = [
            _source_values(source) | {"publication": slugs.get(source.publication_id, "")}
            for source in Source.objects.order_by("pk")
        ]
        self.answer(sources, lambda out: _print_list(out, sources))

    def do_poll(self, options: dict[str, Any]) -> None:
        """Poll one source, or those that are due."""
        now = clock.now()
        url = options["url"]
        done = [polling.poll(source, now) for source in _sources(url)] if url else _poll_all()
        polls = [_poll_values(polled) for polled in done]
        self.answer(polls, lambda out: _print_polled(out, polls))
        if url and any(row.problem and row.source.succeeded_at != now for row in done):
            raise SystemExit(1)

    def do_switch_on(self, options: dict[str, Any]) -> None:
        """Switch a source on again."""
        url, now = options["url"], clock.now()
        if not sum(switching.switch_on(source, now) for source in _sources(url)):
            raise UsageError(f"{url} is not switched off.")
        self.answer(
            {"url": url, "switched_on": True},
            lambda out: out.print(f"{url} is switched on and is polled at the next tick."),
        )


def _poll_all() -> list[PollResult]:
    """Poll batch after batch until nothing is due."""
    done: list[PollResult] = []
    while batch := polling.poll_due(clock.now()):
        done += batch
    return done


def _sources(url: str) -> list[Source]:
    """Return the sources at an address: one for each publication that uses it."""
    rows = Source.objects.filter(url__in=[url, with_scheme(url)]).order_by("pk")
    if sources := list(rows):
        return sources
    raise UsageError(f"There is no source {url}. `digest source list` shows them.")


def _poll_values(polled: PollResult) -> dict[str, Any]:
    return {
        "url": polled.source.url,
        "title": polled.source.title,
        **polled.summary,
    }


def _source_values(source: Source) -> dict[str, Any]:
    return {
        "url": source.url,
        "title": source.title,
        "kind": source.kind,
        "state": _state(source),
        "newsletters": list(source.newsletters.order_by("slug").values_list("slug", flat=True)),
        "succeeded_at": source.succeeded_at,
        "next_poll_at": source.next_poll_at if source.is_polled else None,
        "failures": source.failures,
        "problem": source.problem,
    }


def _state(source: Source) -> str:
    if source.switched_off_at:
        return "switched off"
    if source.gone_at:
        return "gone"
    if source.failures:
        return "failing"
    return "ok" if source.succeeded_at else "new"


def _print_added(out: Screen, polled: PollResult, titles: list[str], newsletter: str) -> None:
    source = polled.source
    out.print(f"{source.title or source.url}: {source.get_kind_display()} at {source.url}")
    if polled.problem:
        out.print(f"Problem: {polled.problem}")
    out.print(
        f"{counted(polled.new, 'new article')}, {polled.changed} changed, "
        f"{polled.unchanged} as before."
    )
    for title in titles:
        out.print(f"  {title}")
    out.print(f"Next: digest preview {newsletter}")


def _print_list(out: Screen, sources: list[dict[str, Any]]) -> None:
    rows = [
        (
            row["url"],
            row["state"],
            clock.format_moment(row["succeeded_at"]) if row["succeeded_at"] else "never",
            clock.format_moment(row["next_poll_at"]) if row["next_poll_at"] else "never",
            row["publication"],
            ", ".join(row["newsletters"]),
            row["problem"],
        )
        for row in sources
    ]
    out.print_table(
        ("Source", "State", "Last good", "Next poll", "Publication", "Newsletters", "Problem"),
        rows,
        empty="There is no source yet. Add one: digest source add URL --newsletter SLUG",
    )


def _print_polled(out: Screen, polls: list[dict[str, Any]]) -> None:
    if not polls:
        out.print("No source is due. Name one to poll it all the same: digest source poll URL")
        return
    columns = ("url", "new", "changed", "unchanged", "problem")
    rows = [[row[column] for column in columns] for row in polls]
    out.print_table(("Source", "New", "Changed", "As before", "Problem"), rows)
