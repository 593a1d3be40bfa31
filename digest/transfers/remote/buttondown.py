"""Buttondown's API: subscribers with their types and tags, and emails."""

from collections.abc import Iterator, Mapping
from typing import Any

from digest.transfers.issues import buttondown
from digest.transfers.issues.content import Item
from digest.transfers.remote.client import Client, Source
from digest.transfers.rows import UNCONFIRMED, UNSUBSCRIBED, Person

_STATES = {"unactivated": UNCONFIRMED, "churned": UNSUBSCRIBED, "removed": UNSUBSCRIBED}


def client(address: str, key: str) -> Client:
    """Return the API at this address."""
    base = f"{address.rstrip('/').removesuffix('/v1')}/v1/"
    return Client("Buttondown", base, lambda: {"Authorization": f"Token {key}"})


def source(api: Client, list_name: str) -> Source:
    """Return what the newsletter of the key has."""
    del list_name  # a key belongs to one newsletter
    return Source(lambda: _subscribers(api), lambda: _issues(api))


def read_person(row: Mapping[str, Any]) -> Person:
    """Return a subscriber of Buttondown's export in JSON or its API."""
    kind = str(row.get("type") or row.get("subscriber_type") or "")
    values = row.get("metadata")
    return Person(
        email=str(row.get("email_address") or row.get("email") or ""),
        state=UNSUBSCRIBED if row.get("unsubscription_date") else _STATES.get(kind, kind),
        requested_at=row.get("creation_date"),
        requested_ip=row.get("ip_address"),
        tags=row.get("tags") or (),
        values=values if isinstance(values, dict) else {},
    )


def _subscribers(api: Client) -> Iterator[Person]:
    rows = api.pages("subscribers", {}, lambda answer: answer.get("results"))
    return map(read_person, rows)


def _issues(api: Client) -> Iterator[Item]:
    rows = api.pages("emails", {}, lambda answer: answer.get("results"))
    return map(buttondown.read_email, rows)
