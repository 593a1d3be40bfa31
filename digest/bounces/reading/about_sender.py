"""Whether words that speak of somebody unknown speak of us: the sender, our relay, our lists."""

import re
import tomllib
from functools import cache
from pathlib import Path

from digest.bounces.reading.phrases.families import alternatives, without_marks
from digest.bounces.reading.reasons import Reason

# The sender's address or domain, called unknown: in the languages that file 5 of the rules has.
_SENDER_UNKNOWN = re.compile(
    r"\b(?:sender(?:'s)?|mail from|from:? address|return[- ]path|absender\w*|afzender|mittente"
    r"|exp[ée]diteur|remitente|remetente|nadawc[ay])"
    r"(?:[ -](?:<>|e-?mail|address|adresse|mailbox|account|user|domain|is|was|does|could|hier|est"
    r"|é|è|non))*"
    r" (?:not (?:exist|found|valid|known|be found|allowed|accepted|permitted|authorized)"
    r"|doesn't exist|unknown|invalid|no existe"
    r"|nie istnieje|inconnue?|invalide|n'existe|existiert nicht|unbekannt|esiste|sconosciut[oa]"
    r"|valido|onbekend|inexistente|inválido|desconocid[oa]|desconhecid[oa])"
)
_ADDRESS_UNKNOWN = re.compile(
    r"\b(?:server|host|domain|client|group|certificate) (?:is |was )?not listed in\b"
    r"|recipients? header|\b(?:of|at) your (?:domain|server|host|mx|postmaster)\b"
    r"|\bunknown (?:client|sender)\b|\breply address\b"
    r"|\bfrom header\b|\b(?:to|cc) header\b|\bheader (?:from|to|cc)\b|in (?:message|mail) headers"
    r"|\bsender (?:does not|doesn't|has no|without)\b|\bsmtp user\b"
    r"|\byou are (?:unknown|not known)\b|\byou (?:write|send|mail) (?:as|from)\b"
    r"|\b(?:sending|submitting|authenticated) (?:user|account|mailbox|address)\b"
    r"|\byour (?:e-?mail )?(?:address|domain|mailbox|account) (?:is |was )?not known\b"
    r"|our-sender\W{1,3}(?:\w+ ){0,2}(?:unknown|not exist|not found|no such|invalid)"
    r"|\b(?:sender(?:'s)?|mail from|from:?|your) (?:[\w-]+ ){0,3}(?:publishes|has|with) (?:a )?"
    r"null ?mx\b"
)
# A server that asked ours about the sender, and quotes the answer.
_ASKED_BACK = re.compile(
    r"\bcall-?(?:out|back)\b|postmaster verification|sender(?:'s)? (?:server|verif\w+)"
)
_SENDER_REFUSED = re.compile(r"\baccept\w* (?:any )?(?:e-?)?(?:mails?|messages?) (?:\w+ )?from\b")
_MAY_NOT_SEND = re.compile(
    r"\b(?:outgoing|outbound) (?:e-?)?(?:mails?|messages?)\b|\bmay not send\b"
    r"|\b(?:message |mail )?sending (?:for|from|by) (?:this|your|the) account\b"
    r"|\bposting (?:to|is)\b|\bchallenge\w*\b|\b(?:must|please) authenticate\b"
    r"|\b(?:login|api|source|hosting|smarthost|reseller) (?:user|account|mailbox|address)\b"
    r"|\bsmtp login\b|\b(?:envelope|resent)[- ]from\b|\berrors-to\b"
    r"|\baddress in (?:the )?(?:from|reply-to)\b"
    r"|\b(?:dkim|spf:?|bimi|dmarc|rua) (?:\w+ ){0,2}?(?:key|record|selector|address|for|of)\b"
    r"|\b(?:\d+|two|three|four|five|ten|some|many|most|several|half|all) of your (?:\w+ ){0,2}"
    r"(?:recipients|addresses|users|contacts|subscribers)\b"
    r"|\b(?:image|link) (?:host|shortener|domain)\b|\blink shortener\b"
)
_HOST_UNKNOWN = re.compile(
    r"\b(?:helo|ehlo)\b|client host|sender's domain|\bcertificate\b|\b(?:sending|client) domain\b"
)
# A domain in what we sent, or that asked a relay.
_HOST_NAMED = re.compile(
    r"\breverse\b|\bmessage-?id (?:domain|host)|\bspf\b|\bdkim\b|\bptr\b"
    r"|\breceived header\b|\brelay(?:ing)? for\b|\breturn-path\b"
)
# How many of our recipients are unknown.
_COUNTED = re.compile(
    r"\b(?:many|number of|rate of|percentage of|share of|lots? of|excessive|over \d+"
    r"|addresses?,? from|(?:mails?|messages?) from|zu viele|trop de|demasiad[oa]s|muit[oa]s"
    r"|tropp[ie]"
    r"|te veel|zbyt wielu|слишком много|harvesting detected:) "
    r"(?:\w+ ){0,3}(?:unknown|invalid|non-?existent|bad|wrong|not exist|unbekannte|onbekende"
    r"|inconnus|desconocid[oa]s|desconhecid[oa]s|inexistentes|sconosciuti|nieznanych|неизвестных)\b"
    r"|\byour (?:list|messages?|mails?|newsletter) (?:\w+ ){0,2}(?:unknown|invalid|non-?existent)\b"
    r"|(?:unknown|invalid) (?:user|recipient|address)(?:s|es)? (?:rate|limit|count)"
    r"|user unknown rate"
    r"|\b(?:trop de|demasiados|muitos|troppi) (?:\w+ )?(?:inconn|desco|inexist|scono)"
    r"|\b(?:directory harvest|dictionary attack)|слишком много неизвестн"
)

LONGEST_REPLY = 300  # characters
# The name of a host may hold any words.
_WITHIN_NO_HOST, _NOT_WITHIN_HOST = r"(?<![\w-]\.)", r"(?![\w.-]*\.\w)"
# What a code about the address (5.1.1) is not believed beside, where no other word says so.
_CONTRADICTION = re.compile(
    _WITHIN_NO_HOST
    + r"\b(?:from address|sender|from you|bounces|your postmaster|in your (?:message|mail)"
    r"|your (?:message|mail) (?:is|has|contains|looks|was (?!not deliver|returned))"
    # "Remote host said: 550 5.1.1" and "Remote Server returned '550 5.1.1'" begin any reply.
    r"|(?:your|source|client) (?:ip|domain|server|host|client)|remote (?:ip|client)"
    r"|relay(?:ing|ed)?(?!=)"
    r"|authenticat\w+|(?:un)?authori[sz]\w+|ipv[46]|spf|dkim|helo|ehlo|ptr|mx|tls|ssl|encrypt\w*"
    r"|certificates?|(?:un)?signed|signature|limit\w*|quota|rate|oversized"
    r"|too (?:large|big|long|many|much|fast)"
    r"|message size|message[- ]?id|headers?|mime|encoding|charset"
    r"|(?<!address )format(?! of (?:the |an? )?(?:e-?mail )?(?:address|recipient))"
    r"|attachments?|content|newsletters?|lists?(?! of (?:\w+ )?(?:users|recipients))|unsubscri\w*"
    r"|want|unwanted|complain\w*|block\w*|greylist\w*|filters?|permission|specify"
    r"|accept (?:delivery of )?(?:this|your|the) (?:message|e-?mail)"
    r"|(?<!name )(?<!syntax )not allowed|not permitted"
    r"|(?:may|might) be(?! (?:mis|wrong|incorrect|invalid)))\b" + _NOT_WITHIN_HOST
)
# The same for a fault of the server itself, which is not ours.
_FAULT = re.compile(
    _WITHIN_NO_HOST + r"\b(?:disk|connect\w*|network|backend|internal|service not|sql|programs?"
    r"|scripts?|restart\w*|reboot\w*"
    r"|pipe|transport|process|output|paused|back(?:ed)?[ -]?up|archived?|read[ -]only"
    r"|no route|mail ?(?:dir|store)|(?:could|can)(?: ?not|n't) be (?:open|read|writ|access)\w*)\b"
    + _NOT_WITHIN_HOST
)


def contradiction_in(text: str) -> Reason | None:
    """Return the reason of a reply that no rule knows and that speaks of something else: us, or it.

    A whole report speaks of many things: only a normalized text as long as a reply is read.
    """
    if len(text) > LONGEST_REPLY:
        return None
    plain = without_marks(text)
    without_ours = text.replace("our-sender", "")  # our own address, which a reply may repeat
    if _CONTRADICTION.search(without_ours) or _contradictions("words").search(plain):
        return Reason.REJECTED
    is_fault = _FAULT.search(without_ours) or _contradictions("faults").search(plain)
    return Reason.SYSTEM if is_fault else None


@cache
def _contradictions(kind: str) -> re.Pattern[str]:
    """Return the words of other languages than English: `contradictions.toml`, read once."""
    text = Path(__file__).with_name("contradictions.toml").read_text("utf-8")
    languages = tomllib.loads(without_marks(text))[kind]
    contradiction = alternatives([entry for entries in languages.values() for entry in entries])
    return re.compile(_WITHIN_NO_HOST + contradiction + _NOT_WITHIN_HOST)


def reason_about_us(text: str, reason: Reason) -> Reason | None:
    """Return the reason of a normalized text that speaks of us; None for one that does not."""
    patterns = [_SENDER_UNKNOWN, _ADDRESS_UNKNOWN, _SENDER_REFUSED]
    if len(text) <= LONGEST_REPLY:  # a whole report speaks of many things
        patterns += [_ASKED_BACK, _MAY_NOT_SEND]
    if any(row.search(text) for row in patterns):
        return Reason.REJECTED
    if reason in {Reason.HOST_UNKNOWN, Reason.NOT_ACCEPTED}:
        is_short = len(text) <= LONGEST_REPLY
        if _HOST_UNKNOWN.search(text) or (is_short and _HOST_NAMED.search(text)):
            return Reason.REJECTED
    return Reason.BLOCKED if _COUNTED.search(text) else None
