"""The keys that sign mail. DIGEST_DKIM_KEYS lists them as `domain:selector:/path.pem`.

Each process reads them once, when it first needs them. A key that cannot be used raises
ConfigurationError, which never quotes the content of a file.
"""

import re
from base64 import b64encode
from collections import Counter
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

# Bits of RSA keys that every verifier accepts (RFC 8301 §3.2; large providers require 2048).
SMALLEST, LARGEST = 2048, 4096
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")  # a domain or selector in A-labels
_PADDING, _HASH = PKCS1v15(), SHA256()

Private = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True, eq=False)  # each file is read once: a key equals only itself
class Key:
    """A private key, and the name under which its public half is published."""

    domain: str  # A-labels, lower case
    selector: str
    path: Path
    private: Private = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The algorithm in a= (RFC 6376 §3.3, RFC 8463 §3)."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def kind(self) -> str:
        """The algorithm and size as people write them: "RSA 2048"."""
        if isinstance(self.private, RSAPrivateKey):
            return f"RSA {self.private.key_size}"
        return "Ed25519"

    @property
    def record_name(self) -> str:
        """The DNS name of the public key (RFC 6376 §3.6.2.1)."""
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
        """Return the signature over the octets that a DKIM signature covers."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(octets, _PADDING, _HASH)
        return self.private.sign(sha256(octets).digest())  # Ed25519 signs the hash: RFC 8463 §3


def all_keys() -> tuple[Key, ...]:
    """Return every key, in the order of the setting; raises ConfigurationError."""
    return _read(tuple(settings.DIGEST_DKIM_KEYS))


def keys_of(domain: str) -> tuple[Key, ...]:
    """Return the keys that sign for a domain in From; empty if there is none.

    Its own keys, or else those of the nearest parent domain that has some: both are aligned for
    DMARC (RFC 7489 §3.1.1), unless the domain's policy is strict.
    """
    return _nearest_keys(tuple(settings.DIGEST_DKIM_KEYS), domain)


def dns_name(domain: str) -> str:
    """Return a domain in A-labels, lower case. Raises InvalidAddressError."""
    return addresses.envelope(f"postmaster@{domain}").rpartition("@")[2].lower()


def zone_record(key: Key) -> str:
    """Return the record for a zone file, in strings of 255 octets at most (RFC 1035 §3.3)."""
    pieces = [key.record[start : start + 255] for start in range(0, len(key.record), 255)]
    return " ".join([f"{key.record_name}. IN TXT", *(f'"{piece}"' for piece in pieces)])


@lru_cache(maxsize=8)
def _read(entries: tuple[str, ...]) -> tuple[Key, ...]:
    keys = tuple(_key(entry) for entry in entries)
    if duplicate := _first_duplicate(key.record_name for key in keys):
        raise ConfigurationError(
            f"DIGEST_DKIM_KEYS names two keys at {duplicate}: give each its own selector."
        )
    return keys


@lru_cache(maxsize=256)
def _nearest_keys(entries: tuple[str, ...], domain: str) -> tuple[Key, ...]:
    keys = _read(entries)
    labels = dns_name(domain).split(".") if keys else []
    for start in range(len(labels)):
        parent = ".".join(labels[start:])
        if matching := tuple(key for key in keys if key.domain == parent):
            return matching
    return ()


def _key(entry: str) -> Key:
    domain, _, rest = entry.partition(":")
    selector, _, path = rest.partition(":")
    if not (domain and selector and path):
        raise ConfigurationError(
            "DIGEST_DKIM_KEYS: write each entry as domain:selector:/path/to/private-key.pem."
        )
    return read_key(Path(path), domain, selector)


def read_key(path: Path, domain: str, selector: str) -> Key:
    """Return the key in a file; raises ConfigurationError if it cannot sign mail."""
    return Key(*dns_names(domain, selector), path, _read_private(path))


def dns_names(domain: str, selector: str) -> tuple[str, str]:
    """Return a key's domain and selector in A-labels, lower case; raises ConfigurationError."""
    name = domain.lower() if domain.isascii() else dns_name(domain)
    if not _NAME.fullmatch(name) or "." not in name:
        raise ConfigurationError(f"{domain!r} is not a domain that mail can be signed for.")
    if not _NAME.fullmatch(selector.lower()):
        raise ConfigurationError(
            f"{selector!r} is not a selector: use letters, digits and hyphens, such as digest-2026."
        )
    return name, selector.lower()


def _read_private(path: Path) -> Private:
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as cause:
        raise _unusable(
            path, f"cannot be read: {cause.strerror}", "correct its path or its permissions"
        ) from None
    except TypeError:  # `cryptography` raises it for a missing password
        raise _unusable(
            path, "is encrypted", "remove the password, and let only Digest read the file"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _unusable(
            path, "does not hold a private key in PEM", "`digest dkim new` makes one"
        ) from None
    if isinstance(private, Ed25519PrivateKey):
        return private
    if not isinstance(private, RSAPrivateKey):
        raise _unusable(path, "is of a kind that DKIM does not support", "use RSA or Ed25519")
    if not SMALLEST <= private.key_size <= LARGEST:
        raise _unusable(
            path,
            f"is an RSA key of {private.key_size} bits",
            f"use one of {SMALLEST} to {LARGEST} bits",
        )
    return private


def _unusable(path: Path, problem: str, advice: str) -> ConfigurationError:
    return ConfigurationError(f"The DKIM key {path} {problem}; {advice} (DIGEST_DKIM_KEYS).")


def _first_duplicate(names: Iterable[str]) -> str:
    counts = Counter(names)
    return next((name for name, count in counts.items() if count > 1), "")
