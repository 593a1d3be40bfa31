"""The keys that mail is signed with; DIGEST_DKIM_KEYS names them, as `domain:selector:/path.pem`.

They are read once by each process, when it first needs them; what is wrong with them is said as a
ConfigurationError, without a word of what is in a file.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from digest.core import addresses
from digest.core.errors import ConfigurationError

SMALLEST, LARGEST = (
    2048,
    4096,
)  # bits of RSA that verifiers take (RFC 8301 §3.2; large ones ask 2048)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")  # of a domain or selector, A-labels
_PADDING, _HASH = PKCS1v15(), SHA256()

Private = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True, eq=False)  # each is read once, so it is equal to itself alone
class Key:
    """A private key, and under which name its public half is published."""

    domain: str  # A-labels, lower case
    selector: str
    path: Path
    private: Private = field(repr=False)

    @property
    def algorithm(self) -> str:
        """What stands in a= (RFC 6376 §3.3, RFC 8463 §3)."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def kind(self) -> str:
        """The algorithm and size as a person says it."""
        if isinstance(self.private, RSAPrivateKey):
            return f"RSA {self.private.key_size}"
        return "Ed25519"

    @property
    def record_name(self) -> str:
        """Where the public key is published (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record with the public key (RFC 6376 §3.6.1, RFC 8463 §4)."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            kind = "rsa"
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            kind = "ed25519"
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; p={b64encode(octets).decode()}"

    def sign(self, octets: bytes) -> bytes:
        """Return the signature over what a DKIM signature covers."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(octets, _PADDING, _HASH)
        return self.private.sign(sha256(octets).digest())  # the hash is what is signed, RFC 8463 §3


def all_keys() -> tuple[Key, ...]:
    """Return every key, in the order given; raise ConfigurationError for one that is no good."""
    return _read(tuple(settings.DIGEST_DKIM_KEYS))


def keys_of(domain: str) -> tuple[Key, ...]:
    """Return the keys that sign for a domain in From, none if there are none.

    Its own, or else those of the nearest domain above it that has some: DMARC takes both for
    aligned (RFC 7489 §3.1.1), unless its owner asks for strictness.
    """
    return _chosen(tuple(settings.DIGEST_DKIM_KEYS), domain)


def named(domain: str) -> str:
    """Return a domain as DNS knows it: A-labels, lower case. Raises InvalidAddressError."""
    return addresses.envelope(f"postmaster@{domain}").rpartition("@")[2].lower()


def zone_line(key: Key) -> str:
    """Return the record as a zone file has it: in strings of 255 octets at most (RFC 1035 §3.3)."""
    pieces = [key.record[at : at + 255] for at in range(0, len(key.record), 255)]
    return " ".join([f"{key.record_name}. IN TXT", *(f'"{piece}"' for piece in pieces)])


@lru_cache(maxsize=8)
def _read(entries: tuple[str, ...]) -> tuple[Key, ...]:
    keys = tuple(_key(entry) for entry in entries)
    if twice := _repeated(key.record_name for key in keys):
        raise ConfigurationError(
            f"DIGEST_DKIM_KEYS names two keys at {twice}: give each a selector of its own."
        )
    return keys


@lru_cache(maxsize=256)
def _chosen(entries: tuple[str, ...], domain: str) -> tuple[Key, ...]:
    keys = _read(entries)
    labels = named(domain).split(".") if keys else []
    for start in range(len(labels)):
        above = ".".join(labels[start:])
        if found := tuple(key for key in keys if key.domain == above):
            return found
    return ()


def _key(entry: str) -> Key:
    domain, _, rest = entry.partition(":")
    selector, _, path = rest.partition(":")
    if not (domain and selector and path):
        raise ConfigurationError(
            "DIGEST_DKIM_KEYS: an entry is no domain:selector:/path/to/private-key.pem."
        )
    return key_in(Path(path), domain, selector)


def key_in(path: Path, domain: str, selector: str) -> Key:
    """Return the key in a file; raise ConfigurationError if it cannot be signed with."""
    return Key(*names(domain, selector), path, _private(path))


def names(domain: str, selector: str) -> tuple[str, str]:
    """Return a key's domain and selector as DNS knows them, or raise ConfigurationError."""
    found = domain.lower() if domain.isascii() else named(domain)
    if not _NAME.fullmatch(found) or "." not in found:
        raise ConfigurationError(f"{domain!r} is no domain that mail could be signed for.")
    if not _NAME.fullmatch(selector.lower()):
        raise ConfigurationError(
            f"{selector!r} is no selector: use letters, digits and hyphens, such as digest-2026."
        )
    return found, selector.lower()


def _private(path: Path) -> Private:
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as cause:
        raise _unusable(
            path, f"cannot be read: {cause.strerror}", "mend its path or rights"
        ) from None
    except TypeError:  # what `cryptography` raises where a password is missing
        raise _unusable(
            path, "is encrypted", "take the password off, and let only Digest read it"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _unusable(
            path, "holds no private key in PEM", "`digest dkim new` makes one"
        ) from None
    if isinstance(found, Ed25519PrivateKey):
        return found
    if not isinstance(found, RSAPrivateKey):
        raise _unusable(path, "is of a kind that DKIM does not know", "use RSA or Ed25519")
    if not SMALLEST <= found.key_size <= LARGEST:
        raise _unusable(
            path,
            f"is an RSA key of {found.key_size} bits",
            f"make one of {SMALLEST} to {LARGEST} bits",
        )
    return found


def _unusable(path: Path, why: str, advice: str) -> ConfigurationError:
    return ConfigurationError(f"The DKIM key {path} {why}; {advice} (DIGEST_DKIM_KEYS).")


def _repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""
