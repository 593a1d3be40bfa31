"""`digest relay …`: where mail is handed over."""

from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from digest.cli import lookup, numbers
from digest.cli.errors import AskedError
from digest.core import clock
from digest.core.findings import Level
from digest.core.terminal import ActionCommand, AddAction, facts, table
from digest.doctor.relays import check_relay
from digest.relays import registry, warming
from digest.relays.models import PausedDomain, Relay
from digest.relays.registry import RelayOptions
from digest.sending import domain_pauses


class Command(ActionCommand):
    """Relays."""

    help = "Relays: add, set, list, show, check, remove; resume a paused domain."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self._named(self.changing, "add", "hand mail over here too")
        add.add_argument("url", help="smtp://user:password@host:587, smtps://…, anymail+…")
        _add_terms(add)
        change = self._named(self.changing, "set", "change its address, limits, or what it is for")
        change.add_argument("--url", default="", help="a new address")
        _add_terms(change)
        use = change.add_mutually_exclusive_group()
        use.add_argument("--off", dest="active", action="store_false", default=None)
        use.add_argument("--on", dest="active", action="store_true", help="use it (again)")
        self.reading("list", "every relay, and how it is doing")
        self._named(
            self.reading, "show", "one relay, its limits, and the domains that it leaves alone"
        )
        self._named(self.reading, "check", "log in, and hand nothing over")
        self._named(self.changing, "remove", "forget it")
        resume = self._named(self.changing, "resume", "try a paused domain again at once")
        resume.add_argument("domain")

    def _named(self, add: AddAction, name: str, summary: str) -> CommandParser:
        action = add(name, summary)
        action.add_argument("name", metavar="NAME")
        return action

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a relay."""
        found = registry.add(options["name"], options["url"], _terms(options))
        self.answer(_relay_facts(found), f"Mail goes through {found.name} from now on.")

    def do_set(self, options: dict[str, Any]) -> None:
        """Change a relay."""
        found = lookup.relay(options["name"])
        registry.change(found, options["url"], _terms(options))
        self.answer(_relay_facts(found), lambda out: _say_relay(out, _relay_facts(found)))

    def do_list(self, _options: dict[str, Any]) -> None:
        """List relays."""
        known = [_relay_facts(relay) for relay in registry.all_relays()]
        self.answer(known, lambda out: _say_list(out, known))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one relay."""
        known = _relay_facts(lookup.relay(options["name"]))
        self.answer(known, lambda out: _say_relay(out, known))

    def do_check(self, options: dict[str, Any]) -> None:
        """Knock at one relay; exit status 1 if it doesn't let us in."""
        found = list(check_relay(lookup.relay(options["name"])))
        known = [{"level": one.level, "what": one.what, "advice": one.advice} for one in found]
        self.answer(known, "\n".join(f"{one.what} {one.advice}".rstrip() for one in found))
        if any(one.level is Level.FAIL for one in found):
            raise SystemExit(1)

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove a relay."""
        found = lookup.relay(options["name"])
        registry.remove(found)
        self.answer({"removed": found.name}, f"{found.name} is forgotten.")

    def do_resume(self, options: dict[str, Any]) -> None:
        """Lift a domain's pause."""
        relay, now = lookup.relay(options["name"]), clock.now()
        domain = registry.recipient_domain(options["domain"])
        paused = PausedDomain.objects.filter(relay=relay, domain=domain, until__gt=now).first()
        if paused is None:
            raise AskedError(f"{relay.name} does not leave {domain} alone; nothing to resume.")
        due = domain_pauses.lift_pause(paused, now)
        self.answer(
            {"relay": relay.name, "domain": domain, "due": due},
            f"{domain} is tried again: {due:,} waiting mails are due now.",
        )


def _add_terms(parser: CommandParser) -> None:
    parser.add_argument(
        "--domain",
        action="append",
        metavar="DOMAIN",
        help="of senders that it is for (repeatable; 'any': of every sender that no relay names)",
    )
    parser.add_argument("--weight", type=numbers.none_or_some, help="its share; 0: a stand-in")
    parser.add_argument(
        "--connections", type=numbers.none_or_some, help="at once, of all workers; 0: no limit"
    )
    parser.add_argument(
        "--per-minute", type=numbers.none_or_some, metavar="N", help="messages; 0: no limit"
    )
    parser.add_argument(
        "--limit",
        action="append",
        metavar="DOMAIN=N",
        help="messages a minute to a domain, or to each other one: *=N (repeatable)",
    )
    parser.add_argument(
        "--warm-up",
        metavar="START[,GROWTH[,UNTIL]]",
        help="a slow start from today (UTC): messages on the first day, times so many each day, "
        "until a day's messages are so many (1000,2,1000000); 'done' ends it",
    )


def _terms(options: dict[str, Any]) -> RelayOptions:
    domains = options["domain"]
    return RelayOptions(
        sender_domains=None if domains is None else [one for one in domains if one != "any"],
        weight=options["weight"],
        connections=options["connections"],
        per_minute=options["per_minute"],
        domain_limits=_limits(options["limit"]),
        warming=_warming(options["warm_up"]),
        end_warming=options["warm_up"] == "done",
        active=options.get("active"),
    )


def _limits(pairs: list[str] | None) -> dict[str, int] | None:
    if pairs is None:
        return None
    found = {}
    for pair in pairs:
        domain, equals, number = pair.partition("=")
        if not (domain and equals and number.isdecimal()):
            raise AskedError(f"--limit {pair}: use a domain and a number, like gmail.com=600.")
        found[domain] = int(number)
    return found


def _warming(typed: str | None) -> warming.Warming | None:
    if typed is None or typed == "done":
        return None
    usual = ["1000", "2", "1000000"]
    given = typed.split(",")
    try:
        start, growth, until = [*given, *usual[len(given) :]]
        return registry.start_warming(clock.now().date(), int(start), float(growth), int(until))
    except ValueError as problem:
        raise AskedError(f"--warm-up {typed}: use numbers, like 1000,2,1000000.") from problem


def _relay_facts(relay: Relay) -> dict[str, Any]:
    now = clock.now()
    slow = registry.warming_of(relay)
    return {
        "name": relay.name,
        "address": registry.describe(relay),
        "state": _state(relay),
        "problem": relay.problem,
        "down_since": relay.down_since,
        "retry_at": relay.retry_at,
        "sender_domains": relay.sender_domains,
        "weight": relay.weight,
        "connections": relay.connections,
        "per_minute": relay.per_minute,
        "domain_limits": relay.domain_limits,
        "warm_up_since": slow.started_on if slow else None,
        "allowance_today": warming.allowance(slow, now.date()) if slow else None,
        "paused_domains": [
            {"domain": one.domain, "until": one.until, "reason": one.reason}
            for one in relay.paused_domains.filter(until__gt=now).order_by("domain")
        ],
    }


def _state(relay: Relay) -> str:
    if not relay.active:
        return "off"
    return "down" if relay.down_since else "ok"


def _say_list(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("There is no relay. Add one: digest relay add NAME smtp://user:password@host:587")
        return
    rows = [
        (
            one["name"],
            one["address"],
            one["state"],
            ", ".join(one["sender_domains"]) or "any",
            one["weight"] or "stand-in",
            ", ".join(each["domain"] for each in one["paused_domains"]),
            one["problem"],
        )
        for one in known
    ]
    columns = ("Relay", "Address", "State", "Senders", "Weight", "Paused domains", "Problem")
    out.print(table(columns, rows))


def _say_relay(out: Console, one: dict[str, Any]) -> None:
    limits = ", ".join(f"{name} {each:,}" for name, each in one["domain_limits"].items())
    out.print(
        facts(
            [
                ("Relay", one["name"]),
                ("Address", one["address"]),
                ("State", one["state"]),
                ("Problem", one["problem"]),
                ("Tried again", clock.format_moment(one["retry_at"]) if one["retry_at"] else None),
                ("Senders at", ", ".join(one["sender_domains"]) or "any domain no relay names"),
                ("Weight", one["weight"] or "0: stands in when the others are down"),
                ("Connections", one["connections"]),
                ("A minute", f"{one['per_minute']:,}" if one["per_minute"] else None),
                ("A minute to", limits),
                ("Slow start since", one["warm_up_since"]),
                ("Today at most", one["allowance_today"]),
            ]
        )
    )
    for each in one["paused_domains"]:
        until = clock.format_moment(each["until"])
        out.print(f"{each['domain']} is left alone until {until}: {each['reason']}")
