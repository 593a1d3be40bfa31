"""Generate a key that signs mail."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.relays.dkim.keys import Key, dns_names
from digest.relays.errors import RelayError

BITS = 2048  # every verifier accepts it (RFC 8301 §3.2), and it fits into a DNS record


def generate_key(path: Path, domain: str, selector: str, *, ed25519: bool = False) -> Key:
    """Generate a key, write it to a new file that only its owner may read, and return it.

    Raises ConfigurationError for an invalid domain or selector, RelayError if the file exists
    or cannot be written.
    """
    private = Ed25519PrivateKey.generate() if ed25519 else generate_private_key(65537, BITS)
    key = Key(*dns_names(domain, selector), path, private)
    octets = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(octets)
    except FileExistsError:
        raise RelayError(f"{path} exists already; a key is never overwritten.") from None
    except OSError as cause:
        raise RelayError(f"{path} cannot be written: {cause.strerror}") from cause
    return key
