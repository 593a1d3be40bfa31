"""Words beside "no such user" that take it back: it passes, is a guess, or is of something else.

    times, processes  when, which may be another time later
    faults      a directory that could not be asked
    guesses, ours     what is not known, or is said of us
    strangers   for whom: senders from outside, or us
    asserted    what is left without "if the user is unknown" and without "or blocked by policy"

Most words are data, by language: `doubts.toml`.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from digest.bounces.reading.about_sender import LONGEST_REPLY
from digest.bounces.reading.phrases.families import alternatives, read_families, without_marks

_MOST = 10  # words of closing that are looked at
_CLAUSE = r"[^.;:()>]"
# What somebody deleted, if it is not their mailbox: "a supprimé votre message".
_MESSAGE = (
    r"\s(?:wiadomosc|сообщение|(?:your|the|this|ihre|votre|ce|su|el|il|la|sua|uw|het|twoja|ваше"
    r"|это) (?:messages?|mensajes?|messaggio|mensagem|bericht|nachricht|письмо))\b"
)
_FAR = 40  # characters between a part of a server and its fault
_PERIOD = re.compile(
    r"\bfor (?:an?|\d+|some|the next) (?:\w+ )?(?:hour|minute|day|week)s?\b"
    r"|\b(?:is|are|was|went) down\b|\b(?:technical|server) (?:problem|issue|trouble|failure)s?\b"
    r"|\bover (?:\w+ ){0,3}(?:limit|rate)\b|\bclosed (?:the )?connection\b|\bthe secondary\b"
    r"|\bat this hour\b|\bbeing (?:re)?loaded\b|\bdelivery (?:is )?paused\b"
    r"|\bwill be (?:\w+ )?(?:creat|activ|open|avail|enabl|restor|mov|migrat|set up|back)"
    r"|\b(?:could not|couldn't|cannot|can't) be read\b"
    r"|\blocked (?:by (?:a|an|another|some|its|his|the (?:mail|pop|imap))\b(?! (?:\w+ )?admin)"
    r"|while\b)"
    r"|\b(?:pop3?|imap|webmail) session\b|\b(?:mail|routing) loop\b"
    r"|\b(?:on|at|by) this (?:node|replica|shard|instance|back-?end|front-?end)\b"
    r"|\bmoved to (?:node|shard|server|host|back-?end)\b"
)
_GUESS = re.compile(
    r"\b(?:full|quota|block\w*|busy|spam|denied) or\b|\w\?(?:\s|$)"
    r"|^(?:[\W\d]|\b(?:it|this|that|he|she|they)\b)*(?:could|might|may) be an?\b"
    r"|\bof (?:de |het )?(?:toegang|geweigerd|postvak vol|vol\b|geblokkeerd|uw server)"
)
# "Please retry", which is not advice on the address.
_RETRY = re.compile(
    r"\bretry (?:later|in|after)\b|\bplease (?:retry|resend)\b|\btry mx\d|\btry your\b"
)
# "Mailbox unavailable" says why, or for whom; "disabled", what.
_LIMITED = re.compile(
    r"\byou may (?:write|send|mail)\b|\bservice (?:is )?unavailable\W{1,3}(?:this|your) account\b"
    r"|\b(?:disabled|closed|inactive|suspended|removed|deleted) (?:for |to |the |your |all |new "
    r"|outside |external |receiving |large |incoming ){0,3}(?:notification|deliver|forward"
    r"|message|mails?\b|newsletter|repl|comment|conversation|access\b|pop\b|imap\b|smtp\b|attachment|receiving"
    r"|outside|external)"
    r"|\bremoved from (?:this|the|your) (?:message|mail)\b"
    r"|\b(?:has|have) (?:deleted|removed|closed|cancell?ed|disabled|ended|terminated) "
    r"(?:his|her|its|their)\b(?! (?:\w+ )?(?:account|mailbox|e-?mail|address|inbox|box))"
    r"|\b(?:only members|members may|members can|unknown to the list)\b"
    r"|\bfound in (?:this|the) list\b(?! of)"
    r"|\bwhile (?:a|an|the|it|we|he|she|they|his|her|your|its|our)\b"
    r"|\bno (?:such )?(?:user|mailbox|recipient) (?:will|can|may|wants)\b"
    r"|\b(?:for|know) you\b(?! to)"
    r"|\b(?:ningun|aucun|nessun|nenhum|geen|kein|zaden) \w+ (?:ne )?(?:puede|peut|puo|pode|kan|kann"
    r"|darf|moze)\b"
    r"|\bbecause (?:(?:of|the|your|it|this|a|an|our) )*+"
    r"(?!(?:\w+ )?(?:user|recipient|mailbox|account|e-?mail|address|domain)|no |inactiv|long|unus"
    r"|not (?:been )?used|is |was |has |does|nobody)\w"
    r"|\bfor (?:mass|bulk|large|voice|commercial|marketing) (?:e-?)?(?:mails?|messages?)\b"
    r"|\bmailbox (?:is )?(?:un|not )available\W{1,3}"
    r"(?:because|due|for (?:bulk|mass|your|this|these)|too\b|message|blocked|reputation|since)"
)
# What belongs to somebody is gone, not they; the noun goes on in "user license".
_BELONGINGS = re.compile(
    r"\b(?:file|program|directory|folder|script|filter|process|table|certificate|ticket"
    r"|subscription|preference|setting|rule)s? "
    r"(?:of|for) (?:(?:the|this|that) )?(?:user|recipient|mailbox|account)\b"
    r"|\b(?:user|recipient|mailbox|account) (?:\w+ )?(?:certificate|licen[sc]e|key|encoding"
    r"|charset|type|format|option|parameter|agent|class|group|preference|filter|count|limit)s?\b"
    r"|\bno (?:account|user) (?:manager|executive|representative|team)s?\b"
    r"|\bno (?:mailbox|mail|user|account) (?:server|store|database|service)s?\b"
    r"|\b(?:user|recipient|addressee)'s (?:phone|server|device|computer|filter)\b"
    r"|\bdestination port\b|\b(?:forward\w+|auto-?repl\w+|vacation \w+) (?:of|for) (?:this|the)\b"
    r"|\b(?!mail|account|address|inbox|alias|record|profile|user|recip|name|id|entr|match)\w+ "
    r"(?:is |was )?not found for (?:this|the|that) (?:recipient|user)\b"
    r"|\b(?:at|to|by) the \w{1,20} (?:gateway|machine|console)\b"
    r"|\bmail(?:ing)? to (?:files|programs)\b"
    r"|(?<!\bno )\b(?:archive|forward(?:ing)?|journal|quarantine|escrow|backup|calendar|chat|sms"
    r"|fax|campaign|delegate|manager|moderator|approver)(?:'?s)?'? (?:mailbox|address|account|user"
    r"|subscriber)\b"
    r"|\b(?!mail|account|address|inbox|alias|record|profile|user|names?\b|ids?\b|entr|match|lookup|search|quer|no\b)\w+"
    r" (?:of|for) (?:(?:the|this|that) )?(?:user|recipient) (?:is |was |could )?"
    r"(?:not (?:be )?found|invalid|unknown|missing|does not exist)\b"
    r"|\b(?:delegate|manager|moderator|approver|assistant)s? of (?:the )?(?:user|recipient|list)\b"
)
_COMMAND = re.compile(
    r"\b(?:unknown|unrecogni[sz]ed|invalid|bad) command\b"
    r"|\bcommand \S{0,10} ?(?:is )?(?:unknown|unrecogni[sz]ed|not (?:known|recogni[sz]ed))"
)
_STRANGERS = re.compile(
    r"\b(?:for|to) (?:\w+ ){0,2}?(?:senders|outsiders|strangers|clients)\b"
    r"|\b(?:fur|pour|para|per|voor|dla|для) (?:\w+ ){0,2}?(?:absender|expediteurs|remitentes"
    r"|mittenti|remetentes|afzenders|nadawcow|отправителей)"
    r"|\b(?:for|from|to|because|since|but) your (?:address|domain|host|server|network|organi\w+|ip"
    r"|company|country|region|provider)\b"
)
# What is said of somebody else, or of earlier mails.
_MENTIONED = re.compile(
    r"\b(?:remove|clean|hit|to) (?:\w+ )?(?:unknown|invalid|nonexistent|dead) (?:users|accounts)\b"
    r"|\b(?:page|article|help|faq|ignored?|earlier|previous|last) [^.;:]{1,40}(?:user unknown"
    r"|unknown user|no such user|were closed|not exist)"
    r"|\bnot (?:mean|because|say)\b[^.;:]{0,30}\b(?:unknown|no such|not exist|invalid)"
    r"|\bwe (?:tell|say|answer|reply)\b"
)
_FINE = re.compile(
    r"(?<!no )(?<!any )\b(?:user|recipient|mailbox|account|address) (?:exists\b|is (?:valid|known"
    r"|active|open|fine|correct)\b)(?! (?:not|nowhere|only))"
)
_CONDITION = re.compile(
    r"(?:\b(?:if|whenever|when (?:the|a|no)|unless|whether|wenn|falls|jesli|jezeli|если|indien)"
    r"|(?:^|[.;:] |\d{3} )(?:si|se|als|when))\s[^.:;!]*"
)
_ADVICE = re.compile(r"\b(?:check|correct|verify|spell\w*|misspell\w*|typos?|mistyped)\b")

_ALWAYS = (_PERIOD, _GUESS, _LIMITED, _BELONGINGS, _COMMAND, _STRANGERS, _MENTIONED, _FINE)
# What is certain beside such words: the fault of a domain, and what two servers reply.
_CERTAIN = ("dns lookup", "or not yet active", "no such user yet")


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    plain: re.Pattern[str]  # each makes a reply doubtful
    faults: re.Pattern[str]
    choices: re.Pattern[str]  # with the clauses around them
    conjunctions: re.Pattern[str]  # one of which is in each choice
    reasons: re.Pattern[str]  # behind what says that somebody was closed


@cache
def _vocabulary() -> _Vocabulary:
    text = Path(__file__).with_name("doubts.toml").read_text("utf-8")
    lists = {
        name: [entry for entries in languages.values() for entry in entries]
        for name, languages in tomllib.loads(without_marks(text)).items()
    }
    plain = lists["times"] + lists["processes"] + lists["guesses"] + lists["ours"]
    part, fault = alternatives(lists["machinery"]), alternatives(lists["faults"])
    choices, concerns = alternatives(lists["choices"]), alternatives(lists["concerns"])
    reasons, causes = alternatives(lists["reasons"]), alternatives(lists["causes"])
    near = rf".{{0,{_FAR}}}?"
    return _Vocabulary(
        re.compile(alternatives(plain)),
        re.compile(rf"{part}{near}{fault}|{fault}{near}{part}"),
        re.compile(rf"{_CLAUSE}*{choices}\s{_CLAUSE}{{0,60}}?{concerns}{_CLAUSE}*"),
        re.compile(choices),
        re.compile(rf"\W{{0,2}}{reasons}\s(?!{_CLAUSE}{{0,30}}?{causes})|{_MESSAGE}"),
    )


def is_doubtful(text: str) -> bool:
    """Return whether a normalized reply takes back that somebody is gone.

    A whole report speaks of many things: only a text as long as a reply is read.
    """
    if len(text) > LONGEST_REPLY:
        return False
    vocabulary, plain = _vocabulary(), without_marks(text)
    for phrase in _CERTAIN:
        plain = plain.replace(phrase, "")
    if _RETRY.search(plain) and not _ADVICE.search(plain):
        return True
    patterns = (vocabulary.plain, vocabulary.faults, *_ALWAYS)
    return any(row.search(plain) for row in patterns) or _is_closed_for_a_while(plain, vocabulary)


def _is_closed_for_a_while(plain: str, vocabulary: _Vocabulary) -> bool:
    """Return whether a mailbox was closed for a reason that passes: "closed for cleaning"."""
    closed = islice(read_families().closure.finditer(plain), _MOST)
    return any(vocabulary.reasons.match(plain, row.end()) for row in closed)


def asserted(text: str) -> str:
    """Return what a normalized reply says without its conditions and what it only may mean.

    A whole report is returned as it is.
    """
    if len(text) > LONGEST_REPLY:
        return text
    certain, vocabulary = _CONDITION.sub(" ", without_marks(text)), _vocabulary()
    is_choice = vocabulary.conjunctions.search(certain)
    return vocabulary.choices.sub(" ", certain) if is_choice else certain
