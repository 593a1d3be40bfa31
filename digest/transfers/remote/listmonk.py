"""listmonk's API: the subscribers of a list with their state in it, and finished campaigns."""

from collections.abc import Iterator, Mapping
from typing import Any

from digest.core import clock
from digest.transfers.errors import TransferError
from digest.transfers.issues.content import NO_DATE, NO_PAGE, OTHER_LIST, Item, PastContent
from digest.transfers.reading import read_time
from digest.transfers.remote.client import Client, Source, choose, objects_in
from digest.transfers.reporting import LeftIssue
from digest.transfers.rows import BLOCKED, SUBSCRIBED, UNCONFIRMED, UNSUBSCRIBED, Person
from digest.transfers.services import SERVICES


def client(address: str, key: str) -> Client:
    """Return the API at this address; raise TransferError for a malformed key."""
    if ":" not in key:
        raise TransferError(f"Enter the key as NAME:TOKEN. {SERVICES['listmonk'].key_hint}")
    base = f"{address.rstrip('/')}/api/"
    return Client("listmonk", base, lambda: {"Authorization": f"token {key}"})


def source(api: Client, list_name: str) -> Source:
    """Return what a list has."""
    rows = objects_in(_results(api.get("lists", {"page": 1, "per_page": "all"})))
    row = choose(list_name, rows, "list")
    return Source(lambda: _subscribers(api, row), lambda: _issues(api, row))


def _subscribers(api: Client, mailing_list: Mapping[str, Any]) -> Iterator[Person]:
    parameters = {
        "list_id": mailing_list.get("id"),
        "per_page": 500,
        "order_by": "id",
        "order": "ASC",
    }
    for row in api.pages("subscribers", parameters, _results):
        attributes = row.get("attribs")
        membership = _membership(row, mailing_list)
        yield Person(
            email=str(row.get("email") or ""),
            name=str(row.get("name") or ""),
            state=_state(row, membership, mailing_list),
            requested_at=membership.get("subscription_created_at") or row.get("created_at"),
            values=attributes if isinstance(attributes, dict) else {},
        )


def _issues(api: Client, mailing_list: Mapping[str, Any]) -> Iterator[Item]:
    parameters = {
        "status": "finished",
        "no_body": "true",
        "per_page": 50,
        "order_by": "created_at",
        "order": "ASC",
    }
    for row in api.pages("campaigns", parameters, _results):
        yield _issue(api, row, mailing_list)


def _issue(api: Client, row: Mapping[str, Any], mailing_list: Mapping[str, Any]) -> Item:
    title = str(row.get("subject") or row.get("name") or "")
    if row.get("type", "regular") != "regular":
        return LeftIssue(title, "a request to confirm, not an issue")
    lists = {other.get("id") for other in objects_in(row.get("lists"))}
    if mailing_list.get("id") not in lists:
        return LeftIssue(title, OTHER_LIST)
    sent_at = read_time(row.get("started_at") or row.get("send_at"), clock.now())
    if sent_at is None:
        return LeftIssue(title, NO_DATE)
    html = api.text(f"campaigns/{int(row['id'])}/preview")
    if not html.strip():
        return LeftIssue(title, NO_PAGE)
    return PastContent(
        service="listmonk",
        origin=str(row.get("uuid") or row["id"]),
        sent_at=sent_at,
        subject=title,
        preheader="",
        html=html,
        is_public=bool(row.get("archive")),
    )


def _membership(row: Mapping[str, Any], mailing_list: Mapping[str, Any]) -> Mapping[str, Any]:
    memberships = objects_in(row.get("lists"))
    own = (other for other in memberships if other.get("id") == mailing_list.get("id"))
    return next(own, {})


def _state(
    row: Mapping[str, Any], membership: Mapping[str, Any], mailing_list: Mapping[str, Any]
) -> str:
    """Return the state in a list; one with single opt-in mails those who are unconfirmed, too."""
    if row.get("status") == "blocklisted":
        return BLOCKED
    if row.get("status") != "enabled":
        return str(row.get("status"))
    state = membership.get("subscription_status")
    if state == "confirmed":
        return SUBSCRIBED
    if state == "unconfirmed":
        return SUBSCRIBED if mailing_list.get("optin") == "single" else UNCONFIRMED
    return UNSUBSCRIBED if state == "unsubscribed" else str(state)


def _results(answer: Any) -> Any:
    data = answer.get("data") if isinstance(answer, dict) else None
    return data.get("results") if isinstance(data, dict) else data
