"""The format of age: other programs read what we write, and no changed byte gets through."""

import io
import shutil
import subprocess
from binascii import Error as Base64Error
from pathlib import Path

import pytest

from digest.backups import age
from digest.backups.age import CHUNK, DAMAGED, NOT_A_BACKUP, WRONG_PASSPHRASE
from digest.backups.errors import BackupError

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scrypt take milliseconds."""
    monkeypatch.setattr(age, "WORK_FACTOR", 8)


def encrypt(plain: bytes, piece: int = 100_000) -> bytes:
    """Encrypt, written in pieces."""
    target = io.BytesIO()
    file = age.EncryptingFile(target, PASSPHRASE)
    for start in range(0, len(plain), piece):
        file.write(plain[start : start + piece])
    file.finish()
    return target.getvalue()


def decrypt(cipher: bytes, passphrase: str = PASSPHRASE) -> bytes:
    """Decrypt, read in pieces."""
    return io.BufferedReader(age.DecryptingFile(io.BytesIO(cipher), passphrase)).read()


@pytest.mark.parametrize("size", [0, 1, 500, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_001])
def test_what_is_encrypted_comes_back(size: int) -> None:
    """At every length, around the borders of chunks too."""
    plain = bytes(range(256)) * (size // 256 + 1)
    plain = plain[:size]
    assert decrypt(encrypt(plain)) == plain
    assert len(encrypt(plain)) == len(encrypt(plain, piece=7_919))


@pytest.mark.parametrize("length", [2 * CHUNK, CHUNK + 1, 1000, 170, 140])
def test_a_file_that_was_cut_off_is_damaged(length: int) -> None:
    """Even where a chunk ends."""
    cipher = encrypt(bytes(3 * CHUNK))
    head = len(encrypt(b"")) - 16
    for size in (length, min(length, 2 * CHUNK) + head + 16 * 2):
        with pytest.raises(BackupError, match=f"{DAMAGED}|{NOT_A_BACKUP}"):
            decrypt(cipher[:size])


def test_a_changed_byte_is_noticed() -> None:
    """Wherever it is: in the head, in the key, in the data."""
    cipher = encrypt(b"x" * 300)
    for place in range(0, len(cipher), 3):
        changed = bytearray(cipher)
        changed[place] ^= 1
        with pytest.raises(BackupError):
            decrypt(bytes(changed))


def test_base64_has_one_spelling() -> None:
    """Unused bits of a last character cannot hide a change (age, RFC 4648 §3.5)."""
    assert age._octets(b"AA") == bytes(1)
    with pytest.raises(Base64Error):
        age._octets(b"AB")


def test_chunks_cannot_change_places() -> None:
    """Each is sealed with its number."""
    cipher = encrypt(bytes(CHUNK) + b"\1" * CHUNK + b"end")
    start = len(encrypt(b"")) - 16
    size = CHUNK + 16
    first, second, rest = (
        cipher[start : start + size],
        cipher[start + size : start + 2 * size],
        cipher[start + 2 * size :],
    )
    with pytest.raises(BackupError, match=DAMAGED):
        decrypt(cipher[:start] + second + first + rest)


def test_errors_say_what_is_wrong() -> None:
    """A wrong passphrase, another file, and one that would take all memory."""
    cipher = encrypt(b"x")
    with pytest.raises(BackupError, match=WRONG_PASSPHRASE):
        decrypt(cipher, "another one")
    for other in (b"", b"PGDMP", cipher.replace(b" 8\n", b" 30\n", 1)):
        with pytest.raises(BackupError, match=NOT_A_BACKUP):
            decrypt(other)


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")
def test_age_itself_opens_our_files(tmp_path: Path) -> None:
    """And asks for nothing but the passphrase, which it reads from a terminal."""
    plain, cipher = bytes(100_000), tmp_path / "backup.age"
    cipher.write_bytes(encrypt(plain))
    script = shutil.which("script")
    assert script
    answer = subprocess.run(
        [script, "-qec", f"age --decrypt --output {tmp_path}/plain {cipher}", "/dev/null"],
        input=f"{PASSPHRASE}\n".encode(),
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert (tmp_path / "plain").read_bytes() == plain, answer.stdout
