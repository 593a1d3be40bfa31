"""Encrypt a stream under a passphrase, in the format of age (age-encryption.org/v1, C2SP/age).

So a backup can be opened without Digest: `age --decrypt FILE | tar --extract`. The passphrase
becomes a key by scrypt; the payload is encrypted and authenticated by ChaCha20-Poly1305 in chunks
of 64 KiB, each with its number and with whether it is the last one. Memory stays flat.
"""

import hmac
import io
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from digest.backups.errors import BackupError

WORK_FACTOR = 18  # log2 of scrypt's N, as age chooses it: about a second and 256 MB
MOST_WORK = 20  # that a file may ask for
CHUNK = 64 * 1024  # bytes of plain text
TAG = 16  # bytes that authenticate a chunk

_INTRODUCTION = "age-encryption.org/v1"
_LONGEST_HEADER = 512  # bytes; ours have 151
_HEADER = re.compile(
    rb"age-encryption\.org/v1\n-> scrypt (?P<salt>\S{22}) (?P<work>[1-9]\d?)\n"
    rb"(?P<body>\S{43})\n--- (?P<mac>\S{43})\n"
)
NOT_A_BACKUP = "This file is not a backup of Digest."
WRONG_PASSPHRASE = "The passphrase is wrong."  # noqa: S105  a sentence
DAMAGED = "The backup is damaged: it was changed or cut off. Use another copy of it."


class EncryptingFile(io.RawIOBase):
    """Write plain text, and have it encrypted into another file. Complete only once closed."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        super().__init__()
        file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
        wrapped = _wrapping(passphrase, salt, WORK_FACTOR).encrypt(bytes(12), file_key, None)
        head = (
            f"{_INTRODUCTION}\n-> scrypt {_text(salt)} {WORK_FACTOR}\n{_text(wrapped)}\n---"
        ).encode()
        target.write(head + b" " + _text(_mac(file_key, head)).encode() + b"\n" + nonce)
        self._target = target
        self._payload = _payload(file_key, nonce)
        self._number = 0
        self._waiting = bytearray()

    def writable(self) -> bool:
        """Say that this is a file for writing."""
        return True

    def write(self, octets: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Encrypt; the last 64 KiB wait for what follows."""
        self._waiting += octets
        complete = (len(self._waiting) - 1) // CHUNK * CHUNK
        for start in range(0, complete, CHUNK):
            self._seal(bytes(self._waiting[start : start + CHUNK]), is_last=False)
        del self._waiting[: max(complete, 0)]
        return len(octets)

    def finish(self) -> None:
        """Encrypt what is left: without this last chunk nobody takes the file for whole."""
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._target.write(self._payload.encrypt(nonce, chunk, None))
        self._number += 1


class DecryptingFile(io.RawIOBase):
    """Read the plain text of an encrypted file. Raises BackupError at a chunk that was changed."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        """Read the head. Raises BackupError if it is another file, or the passphrase is wrong."""
        super().__init__()
        head = source.read(_LONGEST_HEADER)
        match = _HEADER.match(head)
        if match is None or int(match["work"]) > MOST_WORK:
            raise BackupError(NOT_A_BACKUP)
        file_key = _open_header(match, passphrase)
        rest = head[match.end() :]
        self._source = source
        self._payload = _payload(file_key, rest[:16])
        self._cipher = rest[16:] + source.read(CHUNK + TAG - len(rest[16:]))
        self._number = 0
        self._plain = memoryview(b"")

    def readable(self) -> bool:
        """Say that this is a file for reading."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Decrypt into a buffer; 0 at the end of a file that is whole."""
        if not self._plain and self._cipher:
            self._plain = memoryview(self._open())
        size = min(len(buffer), len(self._plain))
        buffer[:size] = self._plain[:size]
        self._plain = self._plain[size:]
        return size

    def _open(self) -> bytes:
        following = self._source.read(CHUNK + TAG)
        nonce = _nonce(self._number, is_last=not following)
        try:
            plain = self._payload.decrypt(nonce, self._cipher, None)
        except InvalidTag as cause:
            raise BackupError(DAMAGED) from cause
        self._cipher = following
        self._number += 1
        return plain


def _open_header(match: re.Match[bytes], passphrase: str) -> bytes:
    """Return the key of the file. Raises BackupError."""
    try:
        salt, wrapped, mac = (_octets(match[name]) for name in ("salt", "body", "mac"))
    except Base64Error as cause:
        raise BackupError(NOT_A_BACKUP) from cause
    try:
        wrapping = _wrapping(passphrase, salt, int(match["work"]))
        file_key = wrapping.decrypt(bytes(12), wrapped, None)
    except InvalidTag as cause:
        raise BackupError(WRONG_PASSPHRASE) from cause
    end_of_mac = match.end() - len(b" \n") - len(match["mac"])
    if not hmac.compare_digest(mac, _mac(file_key, match.string[:end_of_mac])):
        raise BackupError(DAMAGED)
    return file_key


def _wrapping(passphrase: str, salt: bytes, work: int) -> ChaCha20Poly1305:
    label = f"{_INTRODUCTION}/scrypt".encode()
    scrypt = Scrypt(salt=label + salt, length=32, n=2**work, r=8, p=1)
    return ChaCha20Poly1305(scrypt.derive(passphrase.encode()))


def _payload(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))


def _mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), head, "sha256")


def _derive(file_key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(file_key)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])


def _text(octets: bytes) -> str:
    return b64encode(octets).rstrip(b"=").decode()


def _octets(text: bytes) -> bytes:
    """Read base64; raise Base64Error for a text that `_text` does not write, as age does."""
    octets = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if _text(octets).encode() != text:
        raise Base64Error("it is not canonical")
    return octets
