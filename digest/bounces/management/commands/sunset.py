"""`digest sunset …`: inactive subscribers, who are asked once, then paused."""

from typing import Any

from digest.bounces.models import Sunset
from digest.bounces.sunset import asking, rules
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.core.text import counted
from digest.newsletters.models import Newsletter


class Command(ActionCommand):
    """Inactive subscribers."""

    help = "Inactive subscribers: whom a rule touches, and whether they are asked."

    def add_actions(self) -> None:
        """Name the actions."""
        self.reading("list", "the rule of each newsletter")
        show = self.reading("show", "a newsletter's rule, and how many it touches now")
        show.add_argument("newsletter", metavar="SLUG")
        change = self.changing("set", "change a newsletter's rule, or switch it on or off")
        change.add_argument("newsletter", metavar="SLUG")
        change.add_argument("--issues", type=int, help="received, at least")
        change.add_argument("--months", type=int, help="without a sign of life")
        use = change.add_mutually_exclusive_group()
        use.add_argument("--on", dest="active", action="store_true", default=None)
        use.add_argument("--off", dest="active", action="store_false")

    def do_list(self, _options: dict[str, Any]) -> None:
        """List the rules."""
        newsletters = Newsletter.objects.select_related("publication").order_by("slug")
        values = [_values(asking.rule_of(newsletter)) for newsletter in newsletters]
        cells = [
            (row["newsletter"], "on" if row["active"] else "off", row["issues"], row["months"])
            for row in values
        ]
        columns = ("Newsletter", "State", "Issues", "Months")
        self.answer(
            values, lambda out: out.print_table(columns, cells, "There is no newsletter yet.")
        )

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a rule with its forecast."""
        sunset = rules.find_rule(options["newsletter"])
        forecast = rules.forecast(sunset, clock.now())
        values = _values(sunset) | {
            "problem": forecast.problem,
            "inactive": forecast.inactive,
            **forecast.outcomes,
        }
        self.answer(values, lambda out: _print(out, values))

    def do_set(self, options: dict[str, Any]) -> None:
        """Change a rule."""
        sunset = rules.find_rule(options["newsletter"])
        changes = {name: options[name] for name in ("issues", "months", "active")}
        rules.change_rule(sunset, clock.now(), **changes)
        state = "are asked, then paused" if sunset.active else "are not asked"
        self.answer(_values(sunset), f"{sunset}: inactive subscribers {state}.")


def _values(sunset: Sunset) -> dict[str, Any]:
    return {
        "newsletter": sunset.newsletter.slug,
        "active": sunset.active,
        "issues": sunset.issues,
        "months": sunset.months,
    }


def _print(out: Screen, values: dict[str, Any]) -> None:
    state = "on" if values["active"] else "off"
    inactive = values["problem"] or counted(values["inactive"], "subscriber")
    out.print_table(
        ("Rule", "State", "Touches now", "Asked", "Stayed", "Paused"),
        [
            (
                f"{values['issues']} issues in {values['months']} months",
                state,
                inactive,
                values["open"],
                values["stayed"],
                values["paused"],
            )
        ],
    )
