"""The nouns of a sentence: who gets the mail, and what else it speaks of."""

import re
from dataclasses import dataclass
from itertools import islice

from digest.bounces.reading.phrases.families import Families

MOST = 30  # words of a family in a sentence; more are not a sentence

_NEXT = 3  # characters: the noun stands beside the predicate ("unknown user")
_BEHIND = 6  # characters by which a noun farther behind is less near than one before
_AROUND = 30  # characters around a noun that may say whose it is
# Those to whom we wrote are not we, though they are "your recipients".
_YOUR = re.compile(r"\b(?:your|ihre?n?|votre|sua?|tua?|seu|uw|ваш\w*) $")
_RECIPIENT = re.compile(
    r"recipient|addressee|destinat|empfanger|empfaenger|ontvanger|odbiorc|получател"
)
# "Mail for the user was deleted" is about the mail, "mailbox service" about a service.
_OBJECT = re.compile(
    r"\b(?:messages?|content|mensaje|contenido|nachricht|messaggio|mensagem|bericht"
    r"|wiadomosc|сообщение|письмо|meddelande) (?:for|to|an|para|pour|per|fur|fuer|dla|voor|для"
    r"|till) (?:(?:the|this|el|la|le|o|a|den|die) )?$"
)
# "Unknown to the user" is somebody else.
_TO_WHOM = re.compile(r"\b(?:dem|to the) $")
_MACHINE = re.compile(
    r" (?:store|server|service|system|database|authentication|session|client|program|agent"
    r"|manager|administrator|team|department|holder|index|plan|access|book|status|format|error|failure|problem|issue|lock"
    r"|family)s?\b"
)
_SCOPE = re.compile(r"\s(?!address)")  # "mail account" is an account, "host address" is no address


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun of a sentence, and whether it is the one who gets the mail."""

    begin: int
    end: int
    is_recipient: bool

    def distance(self, predicate: re.Match[str]) -> int:
        """Return how many characters are between the noun and a predicate."""
        return max(predicate.start() - self.end, self.begin - predicate.end(), 0)

    def remoteness(self, predicate: re.Match[str]) -> int:
        """Return how far the noun is from a predicate whose subject most often stands before it."""
        distance = self.distance(predicate)
        is_behind = self.begin >= predicate.end() and distance > _NEXT
        return distance + _BEHIND if is_behind else distance


def nouns_of(sentence: str, families: Families) -> list[Noun]:
    """Return the nouns of a sentence; of a compound the last, which it is about."""
    recipients = [
        Noun(*match.span(), is_recipient=not _is_ours(sentence, match, families))
        for match in islice(families.recipients.finditer(sentence), MOST)
        if not _is_modifier(sentence, match)
    ]
    heads = {noun.begin for noun in recipients}
    bystanders = [
        Noun(*match.span(), is_recipient=False)
        for match in islice(families.bystanders.finditer(sentence), MOST)
        if not (_SCOPE.match(sentence, match.end()) and match.end() + 1 in heads)
    ]
    return recipients + bystanders


def _is_ours(sentence: str, match: re.Match[str], families: Families) -> bool:
    """Return whether a noun that could be a subscriber's is ours: "your mailbox", "sender's"."""
    before = sentence[max(match.start() - _AROUND, 0) : match.start()]
    if _RECIPIENT.match(match[0]) and _YOUR.search(before):
        return False
    behind = sentence[match.end() : match.end() + _AROUND]
    return bool(families.ours_before.search(before) or families.ours_behind.match(behind))


def _is_modifier(sentence: str, match: re.Match[str]) -> bool:
    """Return whether a noun only says more of another, which the sentence is about."""
    before = sentence[max(match.start() - _AROUND, 0) : match.start()]
    is_object = match[0] != "<>" and (_OBJECT.search(before) or _TO_WHOM.search(before))
    return bool(is_object or _MACHINE.match(sentence, match.end()))
