"""Reports in a server's own words: no standard, but a few habits.

Only what stands before the returned message is read (see `quotes`).
"""

import re
from dataclasses import replace

from digest.bounces.reading import automatic
from digest.bounces.reading.quotes import LONGEST, own_words, returns_mail
from digest.bounces.reading.reasons import Consequence, Reason, consequence_of
from digest.bounces.reading.replies import Refusal, understand
from digest.bounces.reading.report import Kind, Report
from digest.bounces.reading.structure import Message
from digest.bounces.reading.texts import shortened

_SUBJECT = re.compile(
    r"undeliver|not deliver|un-?deliver|delivery (?:status|failure|fail|has failed|error|problem)"
    r"|failure notice|returned mail|return(?:ed|ing)? to sender|mail (?:delivery|system error|fail)"
    r"|message (?:status|was not|undeliver|rejected)|non[- ]?deliver|could not (?:be )?deliver"
    r"|unzustellbar|nicht zugestellt|fehlgeschlagen|non (?:remis|distribu)|impossible de remettre"
    r"|mancata consegna|no se (?:ha )?(?:pudo )?entreg|n[ãa]o (?:foi )?entreg|bounce|delivery notif"
    r"|user unknown|failed mail|mail could not|warning: could not send|delivery delayed"
    r"|onbestelbaar|niet (?:te )?bezorg|kan niet worden (?:bezorgd|afgeleverd)|niedostarcz"
    r"|nie(?:\s\w+)? dostarcz|kan (?:inte|ikke) lever|olever|kunne ikke lever|ikke levert"
    r"|ei voitu toimittaa|toimitus epäonnistui|nedoruč|nem kézbesít|kézbesíthetetlen"
    r"|teslim edilemedi|недоставлен|не (?:удалось )?достав|échec de (?:la )?remise|non recapit"
    r"|recapito non riuscito|no se puede entregar|não é possível entregar|nelivra"
    r"|无法投递|退信|未送达|無法傳遞|無法投遞|退件|配信不能|配達不能|配信できません"
    r"|送信できません|반송|배달되지 않음|전송 실패",
    re.IGNORECASE,
)
_OF_NEWSPAPERS = re.compile(
    r"not deliver|delivery (?:fail|has failed|error|problem|delayed)|not (?:be )?deliver|zugestellt"
    r"|fehlgeschlagen|non (?:remis|distribu)|mancata consegna|entreg|bezorg|dostarcz|lever|достав"
    r"|teslim|반송|배달",
    re.IGNORECASE,
)
_RETURNED_MAIL = re.compile(r"returned mail: (.*)", re.IGNORECASE)  # the reason, by Sendmail
_DELAY = re.compile(
    r"(?:delivery|message|mail)[^\n]{0,40}(?:is|has been|was)[^\n]{0,20}delayed|still (?:being )?"
    r"(?:try|retr)|will (?:continue|keep|try)[^\n]{0,40}(?:try|again|attempt)"
    r"|you do not need to resend|this is a warning message only|delayed mail"
    r"|temporary failure only",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(r"delay|warning: (?:could|message)|still being retried", re.IGNORECASE)
_TALK = ("in-reply-to", "references", "list-id", "user-agent")  # fields
_ADDRESS = re.compile(r"[A-Za-z0-9._+=&'/-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def read(message: Message) -> Report | None:
    """Return what a report in plain words says, or None where the message is not a report."""
    subject = message.fields.get("subject", "")[:500]
    by_server = automatic.is_by_server(message)
    if not by_server and not _SUBJECT.search(subject):
        return None
    text = own_words(message.text)
    refusal = understand(text)
    if refusal.reason == Reason.UNDEFINED and (match := _RETURNED_MAIL.match(subject)):
        refusal = understand(match[1], refusal.status, refusal.code)
    is_certain = by_server or _is_returned(message)
    if not is_certain and (_is_in_talk(message) or not _is_technical(message, refusal)):
        return None
    by_machine = is_certain or _is_by_machine(message)
    if not _SUBJECT.search(subject) and _is_letter(message, refusal):
        return None
    if _DELAY_SUBJECT.search(subject) or (_DELAY.search(text) and not refusal.permanent):
        return Report(Kind.DELAY, refusal.reason, text=shortened(text))
    recipient = _recipient(message, text)
    if not (by_machine or recipient):  # a person quotes a report about somebody
        refusal = replace(refusal, permanent=False)
    return refusal.report(
        shortened(text or subject),
        recipient,
        shortened(message.fields.get("from", ""), 253),
    )


def _is_letter(message: Message, refusal: Refusal) -> bool:
    """Return whether a postmaster writes as others do, of viruses or of a full mailbox, say.

    A report has the empty sender (RFC 5321 §4.5.5), or else a server's code: without one it
    suppresses nobody and blames nobody.
    """
    is_known = refusal.reason != Reason.UNDEFINED
    sender = message.fields.get("return-path", "").strip().strip("<>")
    if not sender or automatic.is_daemon(sender) or _is_by_machine(message):
        return not is_known and not refusal.code
    consequence = consequence_of(refusal.reason, permanent=refusal.permanent)
    is_report = is_known and (bool(refusal.code) or consequence == Consequence.SOFT)
    return not (refusal.status or is_report)


def _is_by_machine(message: Message) -> bool:
    """Return whether a message shows that no person wrote it."""
    is_automatic = message.fields.get("auto-submitted", "no").lower() != "no"
    return is_automatic or _is_returned(message)


def _is_returned(message: Message) -> bool:
    """Return whether a message has nobody to reply to, or the parts of a report."""
    return (
        automatic.has_no_sender(message)
        or bool(message.returned or message.status)
        or "multipart/report" in message.fields.get("content-type", "").lower()
    )


def _is_in_talk(message: Message) -> bool:
    """Return whether people talk to each other or to a list, perhaps about a report they got."""
    return any(name in message.fields for name in _TALK)


def _is_technical(message: Message, refusal: Refusal) -> bool:
    """Return whether a text without a report's marks is one, as one that a person forwards.

    "Not delivered" is also what a subscriber writes of a newspaper: it takes the codes of a server,
    or the mail that it returns.
    """
    if refusal.status:
        return True
    if refusal.reason == Reason.UNDEFINED:
        return False
    of_newspapers = _OF_NEWSPAPERS.search(message.fields.get("subject", "")[:500])
    return bool(refusal.code or not of_newspapers or returns_mail(message.text))


def _recipient(message: Message, text: str) -> str:
    """Return the address that failed, where the report names exactly one."""
    named = message.fields.get("x-failed-recipients") or text
    addresses = {match[0].lower() for match in _ADDRESS.finditer(named[:LONGEST])}
    return addresses.pop() if len(addresses) == 1 else ""
