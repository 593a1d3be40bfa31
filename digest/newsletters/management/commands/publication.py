"""`digest publication …`: how the mails of a publication look, and what is popular in it."""

from typing import Any

from django.core.management.base import CommandParser

from digest.core.terminal import ActionCommand, Screen, details_table
from digest.core.text import counted
from digest.newsletters import setup
from digest.newsletters.choices import Background, Corner, Density, Fonts
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Publication

_FIELDS = (
    *("tagline", "logo_url", "logo_dark_url", "logo_width", "accent", "accent_dark"),
    *("background", "fonts", "corner", "density", "host_pictures", "popularity_half_life"),
)
_CHOICES = {"background": Background, "fonts": Fonts, "corner": Corner, "density": Density}


class Command(ActionCommand):
    """Publications."""

    help = "Publications: list, show, change how their emails look and what is popular."

    def add_actions(self) -> None:
        """Name the actions."""
        self.reading("list", "every publication")
        self.reading("show", "one publication, and how its emails look").add_argument("slug")
        change = self.changing("set", "change how its emails look, and what is popular")
        change.add_argument("slug")
        _add_look(change)

    def do_list(self, _options: dict[str, Any]) -> None:
        """List publications."""
        values = [_values(row) for row in Publication.objects.order_by("slug")]
        self.answer(values, lambda out: _print_list(out, values))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one publication."""
        values = _values(setup.find_publication(options["slug"]))
        self.answer(values, lambda out: _print(out, values))

    def do_set(self, options: dict[str, Any]) -> None:
        """Change how its emails look, and how long articles stay popular."""
        publication = setup.find_publication(options["slug"])
        changes = {name: options[name] for name in _FIELDS if options[name] is not None}
        if not changes:
            raise NewsletterError(
                "Say what to change, for example --accent '#1d4e89' or --logo URL."
            )
        setup.change_publication(publication, **changes)
        values = _values(publication)
        self.answer(values, lambda out: _print(out, values))


def _add_look(parser: CommandParser) -> None:
    parser.add_argument("--tagline", metavar="TEXT")
    parser.add_argument("--logo", dest="logo_url", metavar="URL", help="'' removes it")
    parser.add_argument(
        "--logo-dark", dest="logo_dark_url", metavar="URL", help="in its place in dark mode"
    )
    parser.add_argument("--logo-width", type=int, metavar="PIXELS")
    parser.add_argument("--accent", metavar="#RRGGBB", help="the colour of links and rules")
    parser.add_argument(
        "--accent-dark", metavar="#RRGGBB", help="in dark mode; '' derives it from --accent"
    )
    for name, choices in _CHOICES.items():
        parser.add_argument(f"--{name}", choices=choices.values)
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument(
        "--host-pictures",
        action="store_const",
        const=True,
        help="fetch the pictures of stories once, and serve them from here",
    )
    pictures.add_argument(
        "--link-pictures",
        dest="host_pictures",
        action="store_const",
        const=False,
        help="link to those of the site",
    )
    parser.add_argument(
        "--popularity-half-life",
        type=int,
        metavar="HOURS",
        help="after which a click or page view counts half",
    )


def _values(publication: Publication) -> dict[str, Any]:
    names = ("slug", "name", "url", *_FIELDS)
    return {name: getattr(publication, name) for name in names}


def _print_list(out: Screen, values: list[dict[str, Any]]) -> None:
    rows = [(row["slug"], row["name"], row["url"]) for row in values]
    empty = "There is no publication yet. `digest newsletter add --help` tells how."
    out.print_table(("Short name", "Name", "Website"), rows, empty=empty)


def _print(out: Screen, values: dict[str, Any]) -> None:
    lines = [
        ("Name", values["name"]),
        ("Website", values["url"]),
        ("Tagline", values["tagline"] or "-"),
        ("Logo", f"{values['logo_url'] or '-'}, {values['logo_width']} pixels wide"),
        ("Logo in dark mode", values["logo_dark_url"] or "the same"),
        ("Colour", values["accent"]),
        ("Colour in dark mode", values["accent_dark"] or "derived"),
        *((name.capitalize(), values[name]) for name in _CHOICES),
        ("Pictures", "served from here" if values["host_pictures"] else "linked to the site"),
        (
            "Popular articles",
            f"a click counts half after {counted(values['popularity_half_life'], 'hour')}",
        ),
    ]
    out.print(details_table(lines))
