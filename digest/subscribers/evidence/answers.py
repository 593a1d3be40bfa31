"""What somebody entered in a form beside their address and attributes: name and topics.

A form is open to strangers, so answers wait with the subscription until the owner of the mailbox
confirms it (`requests`). Of somebody who is subscribed already nothing is changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from digest.core.text import one_line
from digest.subscribers import consent
from digest.subscribers.evidence.requests import FIRST, add_request, entered_by
from digest.subscribers.models import LONGEST_NAME, Subscription

TOPICS = "topics-"  # prefix of fields


class Answers(TypedDict, total=False):
    """Answers as they are stored; topics by the id of their newsletter."""

    name: str
    topics: dict[str, list[str]]


def read_answers(
    fields: Mapping[str, str],
    *,
    topics: Mapping[int, Sequence[str]],
    chosen: Mapping[int, Sequence[str]],
    asks_name: bool,
) -> Answers:
    """Return the answers in the fields of a form, as far as it asks for them.

    `topics` are those on offer, `chosen` those that were ticked, by newsletter id.
    """
    answers = Answers()
    if asks_name and (name := one_line(fields.get("name", ""), LONGEST_NAME)):
        answers["name"] = name
    ticked = {
        str(pk): [topic for topic in offered if topic in chosen.get(pk, ())]
        for pk, offered in topics.items()
    }
    if ticked := {pk: titles for pk, titles in ticked.items() if titles}:
        answers["topics"] = ticked
    return answers


def hold_answers(
    subscription: Subscription, answers: Mapping[str, Any], now: datetime, *, is_mailed: bool
) -> None:
    """Store answers with a subscription that has to be confirmed.

    `is_mailed` says whether a mail of its own tells of this request.
    """
    if subscription.state != Subscription.State.ACTIVE:
        at = int(now.timestamp()) if is_mailed else FIRST
        subscription.answers = add_request(subscription.answers, answers, now, at)
        subscription.save(update_fields=["answers"])


def apply_answers(subscriber_id: int, newsletter_id: int, written_at: datetime) -> None:
    """Apply the answers that a mail written at a moment confirms, and forget all."""
    rows = Subscription.objects.select_related("newsletter", "subscriber")
    subscription = rows.get(subscriber=subscriber_id, newsletter=newsletter_id)
    if subscription.answers is None:
        return
    answers = entered_by(subscription.answers, written_at)
    topics = answers.get("topics", {}).get(str(newsletter_id), [])
    subscription.topics, subscription.answers = topics or subscription.topics, None
    subscription.save(update_fields=["answers", "topics"])
    consent.fill_name(subscription.subscriber, answers.get("name", ""), subscription.newsletter)
