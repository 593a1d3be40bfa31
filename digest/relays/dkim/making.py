"""Make a key to sign with."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.relays.dkim.keys import Key, names
from digest.relays.errors import DeliveryError

BITS = 2048  # what every verifier takes (RFC 8301 §3.2), and what fits into DNS without trouble


def make_key(path: Path, domain: str, selector: str, *, ed25519: bool = False) -> Key:
    """Make a key, write it to a new file that only its owner may read, and return it.

    Raises ConfigurationError for a domain or selector that is none, DeliveryError if the file is
    there already or cannot be written.
    """
    private = Ed25519PrivateKey.generate() if ed25519 else generate_private_key(65537, BITS)
    key = Key(*names(domain, selector), path, private)
    octets = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(octets)
    except FileExistsError:
        raise DeliveryError(f"{path} is there already; a key is never written over.") from None
    except OSError as cause:
        raise DeliveryError(f"{path} cannot be written: {cause.strerror}") from cause
    return key
