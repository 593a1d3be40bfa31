"""What a service has, fetched from its API with a key: written down as an export, then read as one.

    check_access   whether address and key have the form that the service gives them
    fetch_all      people and past issues, page by page

A key travels in a header, over TLS unless the service is at a private address, and is in no log, no
error and no export.
"""

import io
import ipaddress
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from digest.core.http import checked_url
from digest.transfers.errors import TransferError
from digest.transfers.issues import fetched
from digest.transfers.issues.content import Item
from digest.transfers.remote import beehiiv, buttondown, ghost, listmonk
from digest.transfers.remote.client import Client, Source
from digest.transfers.rows import Person, file_name, write_persons
from digest.transfers.services import WITH_API, service_of

LARGEST = 200_000_000  # bytes, packed, that are stored for the console
LONGEST_KEY = 500

SOURCES: dict[str, Callable[[Client, str], Source]] = {
    "ghost": ghost.source,
    "listmonk": listmonk.source,
    "buttondown": buttondown.source,
    "beehiiv": beehiiv.source,
}
_CLIENTS: dict[str, Callable[[str, str], Client]] = {
    "ghost": ghost.client,
    "listmonk": listmonk.client,
    "buttondown": buttondown.client,
    "beehiiv": beehiiv.client,
}


def check_access(service: str, address: str, key: str) -> None:
    """Raise TransferError if a service has no API, or address or key cannot be its."""
    if service not in _CLIENTS:
        names = ", ".join(service_of(name).name for name in WITH_API)
        raise TransferError(f"Digest can fetch from the API of {names}. For others, use a file.")
    if not key.strip() or len(key) > LONGEST_KEY or not key.strip().isascii():
        raise TransferError(f"Enter the key. {service_of(service).key_hint}")
    _check_address(address.strip())
    _CLIENTS[service](address.strip(), key.strip())


def _check_address(address: str) -> None:
    """Raise TransferError for an address over which the key could be read on its way."""
    url = checked_url(address)
    if url.scheme == "https" or url.host == "localhost":
        return
    try:
        is_private = ipaddress.ip_address(url.host).is_private
    except ValueError:
        is_private = False
    if not is_private:
        raise TransferError(
            "Enter an address that begins with https://, so that nobody can read the key on its "
            "way."
        )


def fetch_all(
    service: str,
    address: str,
    key: str,
    list_name: str,
    target: Path,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write what a service has to the zip archive `target`, which `running` reads.

    `list_name` is the mailing list or newsletter there; where there are several, one has to be
    named. Raises TransferError, or FetchError where the service does not answer.
    """
    check_access(service, address, key)
    client = _CLIENTS[service](address.strip(), key.strip())
    source = SOURCES[service](client, list_name.strip())
    client.on_progress = on_progress
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _write(archive, file_name(service), lambda text: write_persons(_subscribers(source), text))
        _write(archive, fetched.NAME, lambda text: _write_issues(source.issues(), text))


def _write(archive: zipfile.ZipFile, name: str, write: Callable[[io.TextIOWrapper], None]) -> None:
    with archive.open(name, "w", force_zip64=True) as stream:
        text = io.TextIOWrapper(stream, "utf-8", newline="", write_through=True)
        write(text)
        text.flush()
        text.detach()


def _subscribers(source: Source) -> Iterable[Person]:
    return (person for person in source.subscribers() if person.email)


def _write_issues(items: Iterable[Item], text: io.TextIOWrapper) -> None:
    text.writelines(map(fetched.line_of, items))
