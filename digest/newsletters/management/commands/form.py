"""`digest form …`: sign-up forms that are designed for the publisher's site."""

from typing import Any

from django.core.management.base import CommandParser

from digest.core import clock
from digest.core.terminal import ActionCommand, Screen, details_table
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.setup import find_publication
from digest.newsletters.signup_forms import saving
from digest.newsletters.signup_forms.describing import describe
from digest.newsletters.signup_forms.models import SignUpForm

_TEXTS = ("headline", "text", "button", "thanks", "consent")
_SWITCHES = ("asks_name", "asks_topics")
_NUMBERS = {
    "after_seconds": "a bar or pop-up appears after so many seconds",
    "after_scroll": "or when so much of the page was scrolled, in percent",
    "rest_days": "days until it appears again after it was closed",
}
_CHOICES = {"kind": SignUpForm.Kind.values, "look": SignUpForm.Look.values}


class Command(ActionCommand):
    """Sign-up forms."""

    help = "Sign-up forms for your site: add, set, list, show with their snippet, delete."

    def add_actions(self) -> None:
        """Name the actions."""
        listing = self.reading("list", "the forms of every publication")
        listing.add_argument("--publication", metavar="SLUG", help="only of this publication")
        self.reading("show", "a form, and the line that shows it on a site").add_argument(
            "id", type=int, metavar="ID"
        )
        add = self.changing("add", "create a form")
        add.add_argument("name")
        add.add_argument("--publication", metavar="SLUG", required=True)
        change = self.changing("set", "change a form, wherever it is embedded")
        change.add_argument("id", type=int, metavar="ID")
        change.add_argument("--name")
        for parser in (add, change):
            _add_design(parser)
        self.changing("delete", "delete a form; its script draws nothing any more").add_argument(
            "id", type=int, metavar="ID"
        )

    def do_list(self, options: dict[str, Any]) -> None:
        """List forms."""
        rows = SignUpForm.objects.select_related("publication").order_by("publication", "name")
        if slug := options["publication"]:
            rows = rows.filter(publication=find_publication(slug))
        values = [describe(row) for row in rows]
        cells = [
            (row["id"], row["name"], row["publication"], row["kind"], ", ".join(row["newsletters"]))
            for row in values
        ]
        columns = ("Id", "Name", "Publication", "Kind", "Newsletters")
        empty = "No forms yet. Add one: digest form add NAME --publication SLUG --newsletter SLUG"
        self.answer(values, lambda out: out.print_table(columns, cells, empty=empty))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a form."""
        self._report(_find(options["id"]))

    def do_add(self, options: dict[str, Any]) -> None:
        """Create a form."""
        publication = find_publication(options["publication"])
        self._report(_save(SignUpForm(publication=publication), options))

    def do_set(self, options: dict[str, Any]) -> None:
        """Change a form."""
        self._report(_save(_find(options["id"]), options))

    def do_delete(self, options: dict[str, Any]) -> None:
        """Delete a form."""
        form = _find(options["id"])
        form.delete()
        self.answer({"deleted": form.name}, f"The form “{form}” was deleted. Its sign-ups stay.")

    def _report(self, form: SignUpForm) -> None:
        values = describe(form)
        self.answer(values, lambda out: _print(out, values))


def _add_design(parser: CommandParser) -> None:
    parser.add_argument(
        "--newsletter", action="append", metavar="SLUG", help="that it offers (repeatable)"
    )
    parser.add_argument(
        "--attribute",
        action="append",
        metavar="KEY",
        help="that it asks for (repeatable; '' for none)",
    )
    for name, choices in _CHOICES.items():
        parser.add_argument(f"--{name}", choices=choices)
    for name in _TEXTS:
        parser.add_argument(f"--{name}", metavar="TEXT", help="'' for the usual one")
    for name, summary in {"name": "the name", "topics": "topics"}.items():
        switch = parser.add_mutually_exclusive_group()
        dest = f"asks_{name}"
        switch.add_argument(
            f"--ask-{name}", dest=dest, action="store_const", const=True, help=f"ask for {summary}"
        )
        switch.add_argument(
            f"--no-{name}", dest=dest, action="store_const", const=False, help="(unless set)"
        )
    for name, summary in _NUMBERS.items():
        option = name.replace("_", "-")
        parser.add_argument(f"--{option}", type=int, metavar="NUMBER", help=summary)


def _save(form: SignUpForm, options: dict[str, Any]) -> SignUpForm:
    """Create or change a form with the options that were given."""
    values = {name: options[name] for name in saving.FIELDS if options[name] is not None}
    newsletters, attributes = options["newsletter"], options["attribute"]
    if form.pk and not values and newsletters is None and attributes is None:
        raise NewsletterError("Say what to change, for example --headline TEXT.")
    keys = None if attributes is None else [key for key in attributes if key]
    return saving.save_form(
        form,
        newsletters=None if newsletters is None else _newsletters(form.publication, newsletters),
        attributes=None if keys is None else saving.attributes_named(form.publication, keys),
        now=clock.now(),
        **values,
    )


def _newsletters(publication: Publication, slugs: list[str]) -> list[Newsletter]:
    rows_by_slug = {row.slug: row for row in publication.newsletters.all()}
    for slug in slugs:
        if slug not in rows_by_slug:
            raise NewsletterError(
                f"{publication} has no newsletter {slug!r}. "
                f"There are: {', '.join(sorted(rows_by_slug)) or 'none'}."
            )
    return [rows_by_slug[slug] for slug in dict.fromkeys(slugs)]


def _find(form_id: int) -> SignUpForm:
    rows = SignUpForm.objects.select_related("publication")
    if row := rows.filter(pk=form_id).first():
        return row
    raise NewsletterError(f"There is no form {form_id}. `digest form list` shows them.")


def _print(out: Screen, values: dict[str, Any]) -> None:
    rows = [
        (name.replace("_", " ").capitalize(), _text(value))
        for name, value in values.items()
        if name not in {"snippet", "page_url"}
    ]
    out.print(details_table(rows))
    out.print("Put this line where the form is to stand:")
    out.print(values["snippet"])
    out.print(f"The form as a page: {values['page_url']}")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else value
