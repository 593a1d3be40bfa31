"""beehiiv's API: the subscriptions of a publication, and its posts."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from digest.core import clock
from digest.transfers.errors import TransferError
from digest.transfers.issues.content import DRAFT, NO_DATE, NO_PAGE, PAID, Item, PastContent
from digest.transfers.reading import read_time
from digest.transfers.remote.client import MOST_PAGES, Client, Source, objects_in
from digest.transfers.reporting import LeftIssue
from digest.transfers.rows import SUBSCRIBED, UNCONFIRMED, UNSUBSCRIBED, Person
from digest.transfers.services import SERVICES

_STATES = {
    "active": SUBSCRIBED,
    "inactive": UNSUBSCRIBED,
    "validating": UNCONFIRMED,
    "pending": UNCONFIRMED,
}


def client(address: str, key: str) -> Client:
    """Return the API of a publication; raise TransferError for a malformed key."""
    publication, colon, secret = key.partition(":")
    if not colon or not publication.startswith("pub_") or not secret:
        raise TransferError(f"Enter the key with its publication. {SERVICES['beehiiv'].key_hint}")
    root = address.rstrip("/").removesuffix("/v2")
    base = f"{root}/v2/publications/{quote(publication, safe='')}/"
    return Client("beehiiv", base, lambda: {"Authorization": f"Bearer {secret}"})


def source(api: Client, list_name: str) -> Source:
    """Return what the publication has."""
    del list_name  # a publication has one list
    return Source(lambda: _subscribers(api), lambda: _issues(api))


def _subscribers(api: Client) -> Iterator[Person]:
    parameters: dict[str, Any] = {"limit": 100, "expand[]": ["custom_fields", "tags"]}
    for page in range(MOST_PAGES):
        answer = api.get("subscriptions", parameters)
        rows = objects_in(answer.get("data"))
        yield from map(_person, rows)
        if not rows or not answer.get("has_more") or not answer.get("next_cursor"):
            return
        parameters["cursor"] = answer["next_cursor"]
        api.finish_page(page)


def _person(row: Mapping[str, Any]) -> Person:
    state = str(row.get("status") or "")
    fields = objects_in(row.get("custom_fields"))
    values = {str(field.get("name")): field.get("value") for field in fields}
    names = (str(values.get(name) or "") for name in ("First Name", "Last Name"))
    return Person(
        email=str(row.get("email") or ""),
        name=" ".join(filter(None, names)),
        state=_STATES.get(state, state),
        requested_at=row.get("created"),
        tags=row.get("tags") or (),
        values=values,
    )


def _issues(api: Client) -> Iterator[Item]:
    parameters = {"limit": 20, "status": "confirmed", "expand[]": ["free_web_content"]}
    rows = api.pages("posts", parameters, lambda answer: answer.get("data"))
    return map(_issue, rows)


def _issue(row: Mapping[str, Any]) -> Item:
    title = str(row.get("subject_line") or row.get("title") or "")
    if row.get("status") != "confirmed":
        return LeftIssue(title, DRAFT)
    if row.get("audience") == "premium":
        return LeftIssue(title, PAID)
    free = (row.get("content") or {}).get("free") or {}
    html = free.get("web") or free.get("email") or row.get("free_web_content")
    if not isinstance(html, str) or not html.strip():
        return LeftIssue(title, NO_PAGE)
    sent_at = read_time(row.get("publish_date") or row.get("displayed_date"), clock.now())
    if sent_at is None:
        return LeftIssue(title, NO_DATE)
    return PastContent(
        service="beehiiv",
        origin=str(row.get("id")),
        sent_at=sent_at,
        subject=title,
        preheader=str(row.get("preview_text") or row.get("subtitle") or ""),
        html=html,
        is_public=row.get("platform") in {"web", "both"} and not row.get("hidden_from_feed"),
    )
