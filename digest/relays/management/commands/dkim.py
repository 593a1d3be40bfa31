"""`digest dkim …`: the keys that sign mail."""

from pathlib import Path
from typing import Any

from digest.core.terminal import ActionCommand, Screen, add_flag
from digest.relays.dkim import Key, all_keys
from digest.relays.dkim.generation import generate_key
from digest.relays.dkim.keys import zone_record


class Command(ActionCommand):
    """DKIM keys."""

    help = "DKIM: generate a key, or show the keys and the DNS records to publish."

    def add_actions(self) -> None:
        """Declare the actions."""
        self.reading("show", "the keys in DIGEST_DKIM_KEYS, and their DNS records")
        new = self.reading("new", "generate a key, and show what to publish and to set")
        new.add_argument("domain", help="the sender's, or a parent domain")
        new.add_argument("selector", help="a name for this key, such as digest-2026")
        new.add_argument("--out", metavar="FILE", type=Path, required=True, help="a new file")
        add_flag(new, "--ed25519", "beside an RSA key, never alone")

    def do_show(self, _options: dict[str, Any]) -> None:
        """Show the keys, without their private halves."""
        keys = all_keys()
        self.answer([_key_values(key) for key in keys], lambda out: _print_keys(out, keys))

    def do_new(self, options: dict[str, Any]) -> None:
        """Generate a key."""
        key = generate_key(
            options["out"].absolute(),
            options["domain"],
            options["selector"],
            ed25519=options["ed25519"],
        )
        self.answer(_key_values(key), lambda out: _print_new_key(out, key))


def _key_values(key: Key) -> dict[str, Any]:
    names = ("domain", "selector", "kind", "path", "record")
    return {name: getattr(key, name) for name in names} | {"name": key.record_name}


def _print_keys(out: Screen, keys: tuple[Key, ...]) -> None:
    if not keys:
        out.print("There are no keys. Generate one: digest dkim new DOMAIN SELECTOR --out FILE")
    for key in keys:
        out.print(f"{key.domain} {key.selector} ({key.kind}), {key.path}")
        out.print(f"  {zone_record(key)}\n")


def _print_new_key(out: Screen, key: Key) -> None:
    out.print(f"{key.path} holds the private key ({key.kind}). Publish its public half in DNS:\n")
    out.print(f"  {zone_record(key)}\n")
    out.print("Once DNS has it, add to DIGEST_DKIM_KEYS:\n")
    out.print(f"  {key.domain}:{key.selector}:{key.path}")
