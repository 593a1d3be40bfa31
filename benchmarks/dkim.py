"""Signing a subscriber's mail with DKIM, beside the bare signature that it contains, and dkimpy.

All sign with the same key, in turns, within one process, so the machine's mood hits all; medians
count. The bare signature is `cryptography`'s over a hash that is ready: nothing can be faster.
"""

import os
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks._django import set_up_alone

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "15"))
MAILS = 200  # in a round; dkimpy, which is slow, signs a tenth of them
TARGET = 0.8  # of the bare RSA signatures
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
RSA, ED25519 = "rsa.example", "ed25519.example"  # domains, by the keys they have

Work = Callable[[], object]
Key = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True)
class Side:
    """A way to sign, and how often a round does it."""

    name: str
    work: Work
    times: int = MAILS


def main() -> None:
    """Measure RSA of 2048 bits and Ed25519."""
    set_up_alone()
    from django.conf import settings

    message = _mail()
    keys: dict[str, Key] = {
        RSA: generate_private_key(65537, 2048),
        ED25519: Ed25519PrivateKey.generate(),
    }
    with TemporaryDirectory() as folder:
        settings.DIGEST_DKIM_KEYS = [
            f"{domain}:s1:{_stored(key, Path(folder) / domain)}" for domain, key in keys.items()
        ]
        for domain, key in keys.items():
            _compare(domain, _sides(domain, key, message))
    print(f"target: our whole message at least {TARGET} of the bare RSA signatures")


def _compare(domain: str, sides: list[Side]) -> None:
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(ROUNDS):
        for side in sides:
            start = time.perf_counter()
            for _ in range(side.times):
                side.work()
            times[side.name].append((time.perf_counter() - start) / side.times)
    bare = median(times[sides[0].name])
    print(f"-- {'RSA 2048' if domain == RSA else 'Ed25519'}, medians of {ROUNDS} rounds")
    for side in sides:
        seconds = median(times[side.name])
        print(
            f"   {side.name:<32} {1 / seconds:8,.0f} a second {seconds * 1e6:8.0f} µs"
            f"   {bare / seconds:5.2f} of the bare"
        )


def _sides(domain: str, key: Key, message: bytes) -> list[Side]:
    from digest.relays.dkim import sign

    size = f"{len(message) / 1000:.0f} KB"
    return [
        Side("bare signature of 32 octets", _bare(key)),
        Side(f"ours, a mail of {size}", lambda: sign(message, domain, NOW)),
        Side(f"dkimpy, the same {size}", _dkimpy(domain, key, message), MAILS // 10),
    ]


def _bare(key: Key) -> Work:
    octets = os.urandom(32)
    if isinstance(key, Ed25519PrivateKey):
        return lambda: key.sign(octets)
    padding, hashing = PKCS1v15(), Prehashed(SHA256())
    return lambda: key.sign(octets, padding, hashing)


def _dkimpy(domain: str, key: Key, message: bytes) -> Work:
    """Return dkimpy's way, over every field that the mail has."""
    head = message.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0] for line in head if not line.startswith((b" ", b"\t"))]
    ready, algorithm = _pem(key), b"rsa-sha256"
    if isinstance(key, Ed25519PrivateKey):
        ready, algorithm = b64encode(key.private_bytes_raw()), b"ed25519-sha256"
    return lambda: dkim.sign(
        message,
        b"s1",
        domain.encode(),
        ready,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=names,
        signature_algorithm=algorithm,
    )


def _stored(key: Key, path: Path) -> Path:
    path.write_bytes(_pem(key))
    return path


def _pem(key: Key) -> bytes:
    form = (
        PrivateFormat.PKCS8
        if isinstance(key, Ed25519PrivateKey)
        else PrivateFormat.TraditionalOpenSSL
    )
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def _mail() -> bytes:
    """Return a subscriber's mail of an issue of seven stories, some 30 KB."""
    from tests.rendering.mails import INES, appeal, compiled, story

    stories = [
        story(
            number,
            summary="Counters saw forty grey seals on Sunday, the most since records began. " * 2,
            byline="Ada Marsh",
            image_url=f"https://img.example/{number}.jpg",
            image_alt="Seals on a sandbank",
        )
        for number in range(7)
    ]
    return compiled(*stories, ask=appeal()).message(INES)


if __name__ == "__main__":
    main()
