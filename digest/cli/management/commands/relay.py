"""`digest relay …`: the mail servers and providers that deliver our mail."""

from typing import Any

from django.core.management.base import CommandParser

from digest.bounces.providers.receiving import events_url
from digest.cli import lookup, numbers
from digest.cli.errors import UsageError
from digest.core import clock
from digest.core.findings import Level
from digest.core.terminal import ActionCommand, AddAction, Screen, add_flag, details_table
from digest.core.text import counted
from digest.doctor.relays import check_relay
from digest.relays import registry, warming
from digest.relays.models import PausedDomain, Relay
from digest.relays.registry import RelayOptions
from digest.sending import domain_pauses


class Command(ActionCommand):
    """Relays."""

    help = "Relays: add, set, list, show, check, remove; resume a paused domain."

    def add_actions(self) -> None:
        """Declare the actions."""
        add = self._named(self.changing, "add", "send mail through it too")
        add.add_argument("url", help="smtp://user:password@host:587, smtps://…, anymail+…")
        _add_options(add)
        change = self._named(
            self.changing, "set", "change its address, its limits, or whose mail it carries"
        )
        change.add_argument("--url", default="", help="a new address")
        _add_options(change)
        use = change.add_mutually_exclusive_group()
        use.add_argument("--off", dest="active", action="store_false", default=None)
        add_flag(use, "--on", "use it (again)", dest="active")
        self.reading("list", "all relays and their state")
        self._named(self.reading, "show", "one relay, its limits, and its paused domains")
        self._named(self.reading, "check", "connect and log in, without sending mail")
        self._named(self.changing, "remove", "delete it")
        resume = self._named(self.changing, "resume", "send to a paused domain again at once")
        resume.add_argument("domain")

    def _named(self, add: AddAction, name: str, summary: str) -> CommandParser:
        action = add(name, summary)
        action.add_argument("name", metavar="NAME")
        return action

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a relay."""
        relay = registry.add(options["name"], options["url"], _relay_options(options))
        self.answer(_relay_values(relay), f"Mail is sent through {relay.name} from now on.")

    def do_set(self, options: dict[str, Any]) -> None:
        """Change a relay."""
        relay = lookup.relay(options["name"])
        registry.change(relay, options["url"], _relay_options(options))
        self._answer_with(relay)

    def do_list(self, _options: dict[str, Any]) -> None:
        """List relays."""
        rows = [_relay_values(relay) for relay in registry.all_relays()]
        self.answer(rows, lambda out: _print_relays(out, rows))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one relay."""
        self._answer_with(lookup.relay(options["name"]))

    def do_check(self, options: dict[str, Any]) -> None:
        """Check one relay; exit with status 1 if it cannot be used."""
        findings = list(check_relay(lookup.relay(options["name"])))
        self.answer(
            [finding._asdict() for finding in findings],
            "\n".join(f"{finding.summary} {finding.advice}".rstrip() for finding in findings),
        )
        if any(finding.level is Level.FAIL for finding in findings):
            raise SystemExit(1)

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove a relay."""
        relay = lookup.relay(options["name"])
        registry.remove(relay)
        self.answer({"removed": relay.name}, f"{relay.name} is deleted.")

    def do_resume(self, options: dict[str, Any]) -> None:
        """Lift a domain's pause."""
        relay, now = lookup.relay(options["name"]), clock.now()
        domain = registry.recipient_domain(options["domain"])
        paused = PausedDomain.objects.filter(relay=relay, domain=domain, until__gt=now).first()
        if paused is None:
            raise UsageError(f"{domain} is not paused at {relay.name}; nothing to resume.")
        due = domain_pauses.lift_pause(paused, now)
        self.answer(
            {"relay": relay.name, "domain": domain, "due": due},
            f"{domain} is no longer paused: due now: {counted(due, 'waiting mail')}.",
        )

    def _answer_with(self, relay: Relay) -> None:
        row = _relay_values(relay)
        self.answer(row, lambda out: _print_relay(out, row))


def _add_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--domain",
        action="append",
        metavar="DOMAIN",
        help="a sender's domain that it is for (repeatable; 'any': all that no relay names)",
    )
    parser.add_argument(
        "--weight", type=numbers.none_or_some, help="its share; 0: only as a stand-in"
    )
    parser.add_argument(
        "--connections",
        type=numbers.none_or_some,
        help="at once, all workers together; 0: no limit",
    )
    parser.add_argument(
        "--per-minute", type=numbers.none_or_some, metavar="N", help="messages; 0: no limit"
    )
    parser.add_argument(
        "--limit",
        action="append",
        metavar="DOMAIN=N",
        help="messages a minute to a recipient domain; *=N: to every other (repeatable)",
    )
    parser.add_argument(
        "--warm-up",
        metavar="START[,GROWTH[,UNTIL]]",
        help="a warm-up from today (UTC): messages on the first day, the factor of each day, and "
        "the number at which it ends (1000,2,1000000); 'done' ends it now",
    )


def _relay_options(options: dict[str, Any]) -> RelayOptions:
    domains = options["domain"]
    return RelayOptions(
        sender_domains=None
        if domains is None
        else [domain for domain in domains if domain != "any"],
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
    limits = {}
    for pair in pairs:
        domain, equals, number = pair.partition("=")
        if not (domain and equals and number.isdecimal()):
            raise UsageError(f"--limit {pair}: use a domain and a number, like gmail.com=600.")
        limits[domain] = int(number)
    return limits


def _warming(value: str | None) -> warming.Warming | None:
    if value is None or value == "done":
        return None
    defaults = ["1000", "2", "1000000"]
    parts = value.split(",")
    try:
        start, growth, until = [*parts, *defaults[len(parts) :]]
        return registry.start_warming(clock.now().date(), int(start), float(growth), int(until))
    except ValueError as problem:
        raise UsageError(f"--warm-up {value}: use numbers, like 1000,2,1000000.") from problem


def _relay_values(relay: Relay) -> dict[str, Any]:
    now = clock.now()
    warm_up = registry.warming_of(relay)
    return {
        "name": relay.name,
        "address": registry.describe(relay),
        "events_url": events_url(relay),
        "state": _state(relay),
        "problem": relay.problem,
        "down_since": relay.down_since,
        "retry_at": relay.retry_at,
        "sender_domains": relay.sender_domains,
        "weight": relay.weight,
        "connections": relay.connections,
        "per_minute": relay.per_minute,
        "domain_limits": relay.domain_limits,
        "warm_up_since": warm_up.started_on if warm_up else None,
        "allowance_today": warming.allowance(warm_up, now.date()) if warm_up else None,
        "paused_domains": [
            {"domain": paused.domain, "until": paused.until, "reason": paused.reason}
            for paused in relay.paused_domains.filter(until__gt=now).order_by("domain")
        ],
    }


def _state(relay: Relay) -> str:
    if not relay.active:
        return "off"
    return "down" if relay.down_since else "ok"


def _print_relays(out: Screen, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("There is no relay. Add one: digest relay add NAME smtp://user:password@host:587")
        return
    cells = [
        (
            row["name"],
            row["address"],
            row["state"],
            ", ".join(row["sender_domains"]) or "any",
            row["weight"] or "stand-in",
            ", ".join(paused["domain"] for paused in row["paused_domains"]),
            row["problem"],
        )
        for row in rows
    ]
    columns = ("Relay", "Address", "State", "Senders", "Weight", "Paused domains", "Problem")
    out.print_table(columns, cells)


def _print_relay(out: Screen, row: dict[str, Any]) -> None:
    limits = ", ".join(f"{name} {limit:,}" for name, limit in row["domain_limits"].items())
    out.print(
        details_table(
            [
                ("Relay", row["name"]),
                ("Address", row["address"]),
                ("Events to", row["events_url"]),
                ("State", row["state"]),
                ("Problem", row["problem"]),
                ("Next attempt", clock.format_moment(row["retry_at"]) if row["retry_at"] else None),
                ("Senders", ", ".join(row["sender_domains"]) or "any domain that no relay names"),
                ("Weight", row["weight"] or "0: used only while the others are down"),
                ("Connections", row["connections"]),
                ("Messages a minute", f"{row['per_minute']:,}" if row["per_minute"] else None),
                ("A minute by domain", limits),
                ("Warm-up since", row["warm_up_since"]),
                ("Allowance today", row["allowance_today"]),
            ]
        )
    )
    for paused in row["paused_domains"]:
        until = clock.format_moment(paused["until"])
        out.print(f"{paused['domain']} is paused until {until}: {paused['reason']}")
