"""`digest series …`: welcome mails and other series; who is where in them."""

from typing import Any

from digest.core import clock
from digest.core.terminal import ActionCommand, Screen, add_flag
from digest.series import editing, switching
from digest.series.models import Enrolment, Series
from digest.series.numbers import SeriesNumbers, counts_by_state, numbers_in

State = Enrolment.State


class Command(ActionCommand):
    """Series of mails."""

    help = "Series: welcome mails and others that each subscriber gets in their own time."

    def add_actions(self) -> None:
        """Name the actions."""
        listing = self.reading("list", "the series of all newsletters")
        listing.add_argument("--newsletter", metavar="SLUG", help="only of this newsletter")
        show = self.reading("show", "a series with its steps in numbers")
        show.add_argument("series", type=int, metavar="ID")
        switch_on = self.changing("on", "switch a series on, or learn how many mails that sends")
        switch_on.add_argument("series", type=int, metavar="ID")
        switch_on.add_argument(
            "--mails", type=int, metavar="NUMBER", help="confirm that so many are sent at once"
        )
        add_flag(switch_on, "--existing", "everybody who subscribes now enters it too")
        switch_off = self.changing("off", "switch a series off; who is in it waits")
        switch_off.add_argument("series", type=int, metavar="ID")

    def do_list(self, options: dict[str, Any]) -> None:
        """List series."""
        rows = Series.objects.select_related("newsletter").order_by("newsletter__slug", "name")
        if slug := options["newsletter"]:
            rows = rows.filter(newsletter__slug=slug)
        values = [_summary(row, counts_by_state(row)) for row in rows]
        cells = [
            (row["id"], row["newsletter"], row["name"], _switch(row["active"]), row["active_now"])
            for row in values
        ]
        columns = ("Id", "Newsletter", "Series", "State", "In it now")
        self.answer(values, lambda out: out.print_table(columns, cells, "There is no series yet."))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a series in numbers, and what keeps it from running."""
        series = editing.find(options["series"])
        numbers = numbers_in(series)
        values = _summary(series, numbers.states) | {
            "trigger": series.trigger,
            "problems": switching.problems_of(series, clock.now()),
            "states": numbers.states,
            "steps": [row.summary for row in numbers.steps],
        }
        self.answer(values, lambda out: _print(out, series, numbers, values["problems"]))

    def do_on(self, options: dict[str, Any]) -> None:
        """Switch a series on."""
        series = editing.find(options["series"])
        switching.switch_on(
            series, clock.now(), agreed=options["mails"], existing=options["existing"]
        )
        self.answer(_summary(series, counts_by_state(series)), f"“{series}” is on.")

    def do_off(self, options: dict[str, Any]) -> None:
        """Switch a series off."""
        series = editing.find(options["series"])
        switching.switch_off(series, clock.now())
        self.answer(
            _summary(series, counts_by_state(series)), f"“{series}” is off: who is in it waits."
        )


def _summary(series: Series, states: dict[str, int]) -> dict[str, Any]:
    return {
        "id": series.pk,
        "newsletter": series.newsletter.slug,
        "name": series.name,
        "active": series.active,
        "active_now": states[State.ACTIVE],
    }


def _print(out: Screen, series: Series, numbers: SeriesNumbers, problems: list[str]) -> None:
    out.print(f"{series} ({series.newsletter}): {_switch(series.active)}")
    states = [(State(name).label, number) for name, number in numbers.states.items() if number]
    out.print_table(("Subscribers", "Number"), states, "Nobody has entered it yet.")
    columns = ("Step", "Subject", "Waiting", "Sent", "Delivered", "Clickers", "Left", "Skipped")
    cells = [
        (
            *(row.step.number, str(row.step), row.waiting, row.numbers.sent),
            *(row.numbers.delivered, row.numbers.clickers, row.numbers.unsubscribes, row.skipped),
        )
        for row in numbers.steps
    ]
    out.print_table(columns, cells, "It has no step yet.")
    for problem in problems:
        out.print(problem)


def _switch(active: bool) -> str:  # noqa: FBT001  a value to print
    return "on" if active else "off"
