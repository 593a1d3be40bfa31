"""Words beside "no such user" that take it back: it passes, is a guess, or is of something else."""

import re

from digest.bounces.reading.about_sender import LONGEST_REPLY

_PASSES = re.compile(
    r"\bat (?:the|this) moment\b|\bfor the moment\b|\bmomentar\w+|\bfor now\b|\bright now\b"
    r"|\bretry (?:later|in|after)\b|\bcome back\b|\bunlock\w*|\bmaintenance\b"
    r"|\byet,? (?:please|try)\b|\bnot (?:active|activated) yet\b"
    r"|\bin time\b|\btimed? ?out\b|\bnot (?:answer|respond)\b|\brebuilding\b"
    r"|\bbeing (?:moved|migrated|created|rebuilt)\b|\banother (?:mx|server|host|node)\b"
    r"|\btry mx\d|\bcluster\b|\blimit (?:exceeded|reached)\b|\bpending\b|\bplease wait\b"
    r"|\bbecause (?:our|the) (?:directory|server|database|system|lookup)\b"
    r"|\bfor (?:an?|\d+|some) (?:hour|minute|day)s?\b|\bout of (?:the )?office\b|\bthis week\b"
    r"|\b(?:technical|server) (?:problem|issue|trouble|failure)s?\b|\b(?:is|are|was|went) down\b"
    r"|\b(?:could not|couldn't|cannot|can't) be read\b|\bderzeit\b|\bzurzeit\b|\bmomentan\b"
    r"|\bvor(?:ü|ue)bergehend|\ben este momento\b|\bneste momento\b|\btijdelijk\b|\bal momento\b"
)
_GUESSES = re.compile(
    r"\bit seems\b|\bor (?:your|the server|the mail|access|(?:is |was )?blocked|policy|relay\w*"
    r"|refused)\b"
    r"|\boder (?:ihr|der server|weiterleitung)|\bou (?:le )?serveur\b|\bo (?:el )?servidor\b"
    r"|\bo (?:il )?server\b|\bили сервер\b"
)
# "Mailbox unavailable" says why, or for whom; "disabled", what.
_LIMITED = re.compile(
    r"\bdisabled (?:delivery|mail|messages|newsletters)\b|\byou may (?:write|send|mail)\b"
    r"|\b(?:disabled|closed|inactive) (?:for|to) (?:outside|external|receiving|large|mail)\b"
    r"|\b(?:disabled|closed) to strangers\b"
    r"|\bmailbox (?:is )?(?:un|not )available\W{1,3}"
    r"(?:because|due|for (?:bulk|mass|your|this|these)|too\b|message|blocked|reputation|since)"
)
# What belongs to somebody is gone, not they.
_BELONGINGS = re.compile(
    r"\b(?:file|program|directory|folder|script|filter|process|table|certificate|ticket)s? "
    r"(?:of|for) (?:(?:the|this|that) )?(?:user|recipient|mailbox|account)\b"
)
_COMMAND = re.compile(
    r"\b(?:unknown|unrecogni[sz]ed|invalid|bad) command\b"
    r"|\bcommand \S{0,10} ?(?:is )?(?:unknown|unrecogni[sz]ed|not (?:known|recogni[sz]ed))"
)


def is_doubtful(text: str) -> bool:
    """Return whether a normalized reply takes back that somebody is gone.

    A whole report speaks of many things: only a text as long as a reply is read.
    """
    patterns = (_PASSES, _GUESSES, _LIMITED, _BELONGINGS, _COMMAND)
    return len(text) <= LONGEST_REPLY and any(row.search(text) for row in patterns)
