"""Settings come from the environment: `NAME`, or `NAME_FILE` naming a file that holds the value.

Files are for secrets (Docker and Kubernetes mount them so). A set variable wins over its file.
"""

import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import idna
from psycopg.conninfo import conninfo_to_dict

from digest.core import text
from digest.core.errors import ConfigurationError

RUNTIME_FILE = "up.env"
MIN_KEY_LENGTH = 32  # characters of a secret key
MIN_KEY_VARIETY = 8  # different ones among them
_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?")


def read(name: str, default: str = "") -> str:
    """Return the value of `name`, or of the file that `name_FILE` points to, or the default."""
    if value := os.environ.get(name, "").strip():
        return value
    if path := os.environ.get(f"{name}_FILE", "").strip():
        try:
            return Path(path).read_text().strip()
        except OSError as cause:
            raise ConfigurationError(
                f"{name}_FILE: cannot read {path}: {cause.strerror}"
            ) from cause
    return default


def required(name: str) -> str:
    """Return the value of `name`, or raise a ConfigurationError that says how to set it."""
    if value := read(name):
        return value
    raise ConfigurationError(
        f"{name} is not set. Set it (or {name}_FILE), or start everything with `digest up`."
    )


def long_enough(name: str, key: str) -> str:
    """Return a secret key that nobody can guess, or raise a ConfigurationError that helps."""
    if len(key) >= MIN_KEY_LENGTH and len(set(key)) >= MIN_KEY_VARIETY:
        return key
    raise ConfigurationError(
        f"{name} can be guessed: a key needs at least {MIN_KEY_LENGTH} random characters. Make one "
        "with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )


def flag(name: str, *, default: bool = False) -> bool:
    """Read a yes or no: 1, true, yes, on and 0, false, no, off."""
    value = read(name).lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return value in {"1", "true", "yes", "on"} if value else default
    raise ConfigurationError(f"{name}={value!r}: use 1 or 0.")


def choice(name: str, choices: Sequence[str]) -> str:
    """Read one of several words; the first is the default."""
    value = read(name, choices[0]).lower()
    if value not in choices:
        raise ConfigurationError(f"{name}={value!r}: use {' or '.join(choices)}.")
    return value


def listed(name: str) -> list[str]:
    """Read a list separated by commas or spaces."""
    return read(name).replace(",", " ").split()


def web_address(name: str, default: str) -> str:
    """Read a web address; a host beyond ASCII becomes A-labels, as header fields need them."""
    address = read(name, default).rstrip("/")
    if address.isascii():
        return address
    return text.web_url(address).rstrip("/") or address


def domain(name: str) -> str:
    """Read a domain that mail is sent to, or nothing; in lower case and A-labels, as SMTP needs it.

    Raises ConfigurationError for anything else: every mail would have an address that cannot be.
    """
    value = read(name).lower()
    try:
        labels = value if value.isascii() else idna.encode(value, uts46=True).decode("ascii")
    except idna.IDNAError:
        labels = ""
    if value and not _DOMAIN.fullmatch(labels):
        raise ConfigurationError(f"{name}={value!r}: use a domain such as in.news.example.")
    return labels


def hosts(name: str, base_url: str) -> list[str]:
    """Read the host names to answer to; that of the public address is always among them."""
    try:
        public = urlsplit(base_url).hostname
    except ValueError:
        public = None
    if not public or not base_url.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"DIGEST_BASE_URL={base_url!r}: use an address such as https://digest.news.example."
        )
    names = listed(name) or ["localhost", "127.0.0.1", "[::1]"]
    return list(dict.fromkeys([*names, f"[{public}]" if ":" in public else public]))


def pairs(name: str) -> dict[str, str]:
    """Read `key=value` pairs separated by commas or spaces."""
    values = {}
    for pair in listed(name):
        key, equals, value = pair.partition("=")
        if not (key and equals and value):
            raise ConfigurationError(f"{name}: {pair!r} is not a pair like key=value.")
        values[key] = value
    return values


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Read addresses and networks (`10.0.0.1`, `10.0.0.0/8`, `fd00::/8`)."""
    try:
        return [ip_network(text, strict=False) for text in listed(name)]
    except ValueError as cause:
        raise ConfigurationError(f"{name}: {cause}") from cause


def pictures_storage(folder: Path) -> dict[str, Any]:
    """Return Django's STORAGES entry for pictures: `folder`, or the bucket that is set.

    `DIGEST_PICTURES_BUCKET` names a bucket; with it `_ENDPOINT`, `_REGION`, `_ACCESS_KEY` and
    `_SECRET_KEY`, which may be left out where boto3 finds them elsewhere (an instance's role).
    Raises ConfigurationError if there is a bucket, and boto3 is not installed.
    """
    bucket = read("DIGEST_PICTURES_BUCKET")
    if not bucket:
        options = {"location": str(folder), "allow_overwrite": True}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    _require("DIGEST_PICTURES_BUCKET", "boto3", "s3")
    access = {
        "endpoint_url": read("DIGEST_PICTURES_ENDPOINT"),
        "region_name": read("DIGEST_PICTURES_REGION"),
        "access_key": read("DIGEST_PICTURES_ACCESS_KEY"),
        "secret_key": read("DIGEST_PICTURES_SECRET_KEY"),
    }
    options = {
        "bucket_name": bucket,
        "default_acl": None,  # the bucket's policy says who may read
        "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
        **{name: value for name, value in access.items() if value},
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def seconds(name: str) -> int:
    """Read a number of seconds; 0, the default, stands for no limit."""
    text = read(name, "0")
    if not (text.isascii() and text.isdecimal()):
        raise ConfigurationError(f"{name}={text!r}: use a whole number of seconds, 0 for no limit.")
    return int(text)


def share(name: str, default: str) -> float:
    """Read a number from 0 to 1."""
    return number(name, default, 0, 1)


def number(name: str, default: str, least: float, most: float) -> float:
    """Read a number from `least` to `most`."""
    text = read(name, default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ConfigurationError(f"{name}={text!r}: use a number from {least:g} to {most:,g}.")
    return value


def days(name: str, default: str) -> float:
    """Read a number of days, up to a century."""
    return number(name, default, 0, 36_500)


def place(name: str, module: str, extra: str) -> str:
    """Read an address of something that an extra brings the client for; empty: it is not used.

    Raises ConfigurationError if that is set, and the extra not installed.
    """
    value = read(name)
    if value and not value.startswith(("http://", "https://")):
        raise ConfigurationError(f"{name} is not an address that begins with https://.")
    if value:
        _require(name, module, extra)
    return value


def _require(name: str, module: str, extra: str) -> None:
    """Raise ConfigurationError if a setting needs a module, and it is not installed."""
    if not _is_installed(module):
        raise ConfigurationError(
            f"{name} is set, but its client is missing: pip install 'digest-newsletter[{extra}]', "
            "or build the image with requirements-extras.txt."
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False


# A host that vanishes closes no connection, and the kernel would wait for it for 15 minutes. By
# these a wait ends with an error after half a minute, well within the lease of a sender.
_NETWORK = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 30_000,  # milliseconds that what was sent may remain unacknowledged
    "keepalives_idle": 10,  # seconds without an answer until the host is asked for a sign of life
    "keepalives_interval": 5,  # seconds between two such questions
    "keepalives_count": 3,  # without an answer, until the connection counts as broken
}


def own_database() -> dict[str, Any]:
    """Return the DATABASES entry of this process: its limits are in its environment."""
    return database(
        required("DIGEST_DATABASE_URL"),
        read("DIGEST_DATABASE_PASSWORD"),
        # Each process brings its own (digest.cli.processes); commands and migrations have none.
        statement_seconds=seconds("DIGEST_STATEMENT_SECONDS"),
        lock_seconds=seconds("DIGEST_LOCK_SECONDS"),
        pooled=flag("DIGEST_DATABASE_POOLED"),
    )


def database(
    url: str,
    password: str = "",
    *,
    statement_seconds: int = 0,
    lock_seconds: int = 0,
    pooled: bool = False,
) -> dict[str, Any]:
    """Turn a libpq connection URL into Django's DATABASES entry.

    A statement that takes longer than `statement_seconds`, or waits longer than `lock_seconds` for
    a lock, is cancelled; 0: never.

    libpq itself reads the URL, so everything its documentation allows works, unix sockets too
    (`postgresql://user@/name?host=/run/postgresql`), and wins over our limits for a host that
    cannot be reached any more. A password given apart from the URL, as a
    secret in a file of its own, is used where the URL has none.

    `pooled`: a pooler that gives each transaction another session stands in between. It knows no
    startup options, so there the limits are the role's own, and a cursor would be lost with its
    session, so rows are read at once.
    """
    try:
        parts = conninfo_to_dict(url)
    except Exception as cause:
        raise ConfigurationError(f"DIGEST_DATABASE_URL cannot be read: {cause}") from cause
    entry: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "digest"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", "") or password,
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
    }
    limits = {"statement_timeout": statement_seconds, "lock_timeout": lock_seconds}
    entry["OPTIONS"] = _options(parts, {} if pooled else limits)
    return entry


def _options(parts: dict[str, Any], limits: dict[str, int]) -> dict[str, Any]:
    """Return what a URL says of connections, then our limits: of the network, and of statements."""
    options = _NETWORK | {name: value for name, value in parts.items() if value is not None}
    startup = [f"-c {name}={limit}s" for name, limit in limits.items() if limit]
    if startup:
        options["options"] = " ".join([*startup, str(options.get("options", ""))]).strip()
    return options


def database_url(socket_dir: str, name: str, user: str = "postgres") -> str:
    """Return the URL of a database reached through a unix socket in `socket_dir`."""
    return f"postgresql://{quote(user)}@/{quote(name)}?host={quote(socket_dir, safe='/')}"


def load_runtime_file(data_dir: Path) -> bool:
    """Take over what a running `digest up` wrote into its data folder; say whether it was there.

    Lets `digest source add …` in a second terminal find the embedded services. Variables that are
    already set win; an empty one counts as not set, as everywhere.
    """
    path = data_dir / RUNTIME_FILE
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return False
    except OSError as cause:
        raise ConfigurationError(f"Cannot read {path}: {cause.strerror}") from cause
    for line in lines:
        name, _, value = line.partition("=")
        if not read(name):
            os.environ[name] = value
    return True
