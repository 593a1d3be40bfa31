"""The rules by which the words and codes of a reply get a reason: one rule, one test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.bounces.reading.reasons import Consequence, Reason, consequence_of
from digest.bounces.reading.replies import understand
from digest.bounces.reading.rules import Rule, normalized, rule_for, rules


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: "…".join(rule.parts))
def test_a_rule_gives_its_reason_to_its_example(rule: Rule) -> None:
    """The reply that it was written for; and it matches, not only an earlier rule of the file."""
    assert rule.matches(normalized(rule.example))
    matching = rule_for(rule.example)
    assert matching is not None
    assert matching.reason == rule.reason
    assert rule.source


@given(st.lists(st.sampled_from([rule.example for rule in rules()]), min_size=1, max_size=4))
def test_a_reply_is_compared_with_all_rules_that_could_match(examples: list[str]) -> None:
    """Rules are looked up by three characters; the first that matches is the same as without."""
    text = normalized(" ".join(examples))
    assert rule_for(text) == next(rule for rule in rules() if rule.matches(text))


def test_rules_are_written_once() -> None:
    """A rule that an earlier one covers wholly would never count."""
    parts = [rule.parts for rule in rules()]
    assert len(set(parts)) == len(parts)
    assert all(part == normalized(part) or part == part.lower() for row in parts for part in row)


@pytest.mark.parametrize(
    ("status", "consequence"),
    [
        *((status, "hard") for status in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")),
        *((status, "soft") for status in ("5.2.2", "5.0.0", "5.3.0", "5.4.1", "5.4.4", "5.2.0")),
        *((status, "soft") for status in ("4.1.1", "4.2.1", "4.2.2", "4.4.1", "4.4.7", "4.3.2")),
        *((status, "sender") for status in ("5.7.0", "5.7.1", "5.7.26", "5.6.0", "5.1.8", "4.7.1")),
        *((status, "sender") for status in ("5.3.4", "5.2.3", "5.5.2", "5.1.7", "5.7.515")),
    ],
)
def test_a_code_alone_has_its_consequence(status: str, consequence: str) -> None:
    """RFC 3463 without a word that any rule knows."""
    refusal = understand("nope", status)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) == consequence


@pytest.mark.parametrize(
    ("reply", "reason", "consequence"),
    [
        ("550 5.7.1 No such user!", Reason.USER_UNKNOWN, Consequence.HARD),
        ("450 4.1.1 User unknown", Reason.USER_UNKNOWN, Consequence.SOFT),
        ("550 5.2.0 Unknown user kim@docomo.example", Reason.FILTERED, Consequence.SOFT),
        ("521 5.3.2 System not accepting messages", Reason.NOT_ACCEPTED, Consequence.HARD),
        ("550 5.1.1 Mailbox temporarily suspended", Reason.SUSPENDED, Consequence.SOFT),
        ("550 5.1.1 user unknown, blocked using spamhaus", Reason.BLOCKED, Consequence.SENDER),
        ("550 5.7.1 Sender address rejected: user unknown", Reason.REJECTED, Consequence.SENDER),
        (
            "550 Unknown user <kim@docomo.example> (in reply to end of DATA command)",
            Reason.FILTERED,
            Consequence.SOFT,
        ),
        (
            "550 5.1.1 User unknown (in reply to end of DATA command)",
            Reason.USER_UNKNOWN,
            Consequence.HARD,
        ),
        (
            "550 5.1.7 No such domain (after MAIL FROM:<bounce@news.example>)",
            Reason.REJECTED,
            Consequence.SENDER,
        ),
        ("550 5.1.1 <spam-virus@shop.example> User unknown", Reason.USER_UNKNOWN, Consequence.HARD),
        ("host spam.example[192.0.2.1] said: 550 user unknown", Reason.USER_UNKNOWN, "hard"),
        ("556 nothing here", Reason.NOT_ACCEPTED, Consequence.HARD),
        ("550", Reason.UNDEFINED, Consequence.SOFT),
        ("550 5.1.1 Der Empfänger wurde nicht gefunden", Reason.USER_UNKNOWN, Consequence.HARD),
    ],
)
def test_words_and_codes_are_weighed(reply: str, reason: Reason, consequence: str) -> None:
    """What is about us is never taken for the address; what may pass is never taken for good."""
    refusal = understand(reply)
    result = (refusal.reason, consequence_of(refusal.reason, permanent=refusal.permanent))
    assert result == (reason, consequence)


@pytest.mark.parametrize(
    "reply",
    [
        "553 5.1.7 The sender's address is invalid",
        "550 5.1.8 Sender <bounce+x@news.example> does not exist",
        "550 Sender <bounce+x@news.example> does not exist",
        "550 The sender's address is invalid",
        "550 5.1.0 Sender address is unknown",
        "550 5.1.0 Sender's email address was not found",
        "550 From address <bounce@news.example> does not exist.",
        "550 Return-Path address is invalid",
        "550 Mail from <bounce@news.example> does not exist.",
        "550 Domena nadawcy nie istnieje",
        "550 Adresse de l'expéditeur invalide",
        "550 El remitente no existe",
        "550 Remetente inexistente",
        "550 Absender-Adresse existiert nicht",
        "550 Il mittente non esiste",
    ],
)
def test_a_sender_who_is_unknown_is_no_subscriber(reply: str) -> None:
    """The words of file 5, said of us: nobody is suppressed for them."""
    assert understand(reply).reason == Reason.REJECTED
    assert understand(reply, "5.1.0").reason == Reason.REJECTED


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 Notify the sender: the recipient's email address was not found",
        "550 5.1.1 User unknown. Please ask the sender to check the address",
        "550 Returned to sender: user <kim@mailbox.example> does not exist",
    ],
)
def test_the_word_sender_saves_no_address(reply: str) -> None:
    """It stands in many a report about a subscriber."""
    assert understand(reply).reason == Reason.USER_UNKNOWN


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 The from address is not one of your addresses",
        "550 5.2.1 Service unavailable, [192.0.2.1] does not accept email over IPv6",
        "550 5.1.1 Relaying is off for you",
        "550 5.1.1 Sign in to authenticate",
        "550 5.1.1 The limit of an hour was reached",
        "550 5.1.3 Your domain has no name",
        "550 5.2.1 Mail to this user is not allowed from here",
        "550 5.2.1 Sender mailbox disabled",
        "554 5.1.1 Please specify a mailbox",
        "521 5.2.1 We will not accept delivery of this message",
        "553 5.1.1 Relaying disallowed (bad destination mailbox address)",
    ],
)
def test_a_code_is_not_believed_beside_words_about_something_else(reply: str) -> None:
    """5.1.1 and its kin are written by hand into many a filter."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) != Consequence.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <kim@mailbox.example> (from <bounce+abc@courier.example>): nope",
        "host relay.mailbox.example [192.0.2.1] said: 550 5.1.1 nope",
        "relay-2.mailbox.example said: 550 5.1.1 nope",
        "550 5.1.1 nope, says content.mailbox.example",
    ],
)
def test_a_code_is_believed_beside_our_address_and_names_of_hosts(reply: str) -> None:
    """Names may hold any words."""
    assert understand(reply).reason == Reason.USER_UNKNOWN


def test_a_code_is_believed_beside_a_whole_report() -> None:
    """It speaks of the sender, too, and of how long a message may be."""
    text = "Your message could not be delivered; tell the sender. " * 10
    assert understand(f"550 5.1.1 {text}").reason == Reason.USER_UNKNOWN


def test_a_code_about_the_sender_counts_beside_another() -> None:
    """The report says 5.1.1, the server's words 5.1.8."""
    assert understand("550 5.1.8 Domain does not exist.", "5.1.1").reason == Reason.REJECTED
