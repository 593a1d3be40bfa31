"""`digest dkim …`: the keys that mail is signed with."""

from pathlib import Path
from typing import Any

from rich.console import Console

from digest.core.terminal import ActionCommand
from digest.relays.dkim import Key, all_keys
from digest.relays.dkim.generation import generate_key
from digest.relays.dkim.keys import zone_record


class Command(ActionCommand):
    """DKIM keys."""

    help = "DKIM: make a key, or show the keys and the DNS records to publish."

    def add_actions(self) -> None:
        """Name the actions."""
        self.reading("show", "the keys in DIGEST_DKIM_KEYS, and their DNS records")
        new = self.reading("new", "make a key, and say what to publish and to set")
        new.add_argument("domain", help="the sender's, or one above it")
        new.add_argument("selector", help="a name for this key, such as digest-2026")
        new.add_argument("--out", metavar="FILE", type=Path, required=True, help="a new file")
        new.add_argument("--ed25519", action="store_true", help="beside an RSA key, never alone")

    def do_show(self, _options: dict[str, Any]) -> None:
        """Show the keys; private halves stay where they are."""
        keys = all_keys()
        self.answer([_key_facts(key) for key in keys], lambda out: _say_keys(out, keys))

    def do_new(self, options: dict[str, Any]) -> None:
        """Make a key."""
        key = generate_key(
            options["out"].absolute(),
            options["domain"],
            options["selector"],
            ed25519=options["ed25519"],
        )
        self.answer(_key_facts(key), lambda out: _say_new(out, key))


def _key_facts(key: Key) -> dict[str, Any]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "kind": key.kind,
        "path": key.path,
        "name": key.record_name,
        "record": key.record,
    }


def _say_keys(out: Console, keys: tuple[Key, ...]) -> None:
    if not keys:
        out.print("No keys. Make one: digest dkim new DOMAIN SELECTOR --out FILE")
    for key in keys:
        out.print(f"{key.domain} {key.selector} ({key.kind}), {key.path}")
        out.print(f"  {zone_record(key)}\n")


def _say_new(out: Console, key: Key) -> None:
    out.print(f"{key.path} holds the private key ({key.kind}). Publish its public half:\n")
    out.print(f"  {zone_record(key)}\n")
    out.print("and once DNS shows it, add to DIGEST_DKIM_KEYS:\n")
    out.print(f"  {key.domain}:{key.selector}:{key.path}")
