"""What a report says itself, without the message that it returns and what scanners append.

A story may quote any server's words, and a footer such as MailScanner's speaks of viruses.
"""

import re

LONGEST = 4_000  # characters of a report

_RETURNED = re.compile(
    r"^[ \t>*-]{0,80}(?:"
    r"-{1,80} ?(?:original|returned|unsent|undelivered|this is a copy|below this line|included is)"
    r"|(?:the )?(?:original|old) (?:message|mail)\b|(?:below this line|here) is a copy"
    r"|(?:your|the) (?:original |unsent |undelivered |returned )?(?:message|mail|header)s? "
    r"(?:follows|is returned|headers? follow|was)\b|(?:message|mail) headers? follow|unsent message"
    r"|received: |return-path: |message-id: |dkim-signature: |list-unsubscribe: |mime-version: "
    r")",
    re.IGNORECASE | re.MULTILINE,
)
_SUBJECT = re.compile(
    r"^[ \t>*-]*(?:the )?(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp|subiect|temat"
    r"|тема|ämne|emne|aihe|konu|předmět|tárgy|主题|主題|主旨|标题|標題|件名|제목)\b"
    r"[^:\uff1a\n]{0,40}[:\uff1a].*",
    re.IGNORECASE | re.MULTILINE,
)
_HOPS = re.compile(r"^received: (?:from|by) \S", re.IGNORECASE | re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
# MailScanner, MessageLabs, NOD32, AVG and others, in the languages in which they write.
_SCANNED = re.compile(
    r"\b(?:scanned|checked|swept|screened|analy[sz]ed|analizado|escaneado|verificado|analizzato"
    r"|analys[ée]e?|gepr(?:ü|ue)ft|gecontroleerd|gescand|przeskanowan[ay]|проверено?)\b"
    r".{0,100}?(?:virus|viren|wirus|вирус|antivir)"
    r"|vir(?:us(?:es)?|en) (?:gepr(?:ü|ue)ft|untersucht)|virus[- ]?(?:free|wall)"
    r"|free (?:of|from) (?:\w{1,10} )?virus|no virus(?:es)? (?:was |were )?found",
    re.IGNORECASE | re.DOTALL,
)
_CAUGHT = re.compile(
    r"(?<!no )\bvirus(?:es)?\b (?:was |were |has been )?(?:found|detected)|infected|rejected"
    r"|(?<![\d.])[45]\d\d[ -]",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """Return what a text says before the message that it returns, without scanners' footers."""
    start = len(text) - len(text.lstrip())
    match = _RETURNED.search(text, start)
    if match and not text[start : match.start()].strip():
        match = _RETURNED.search(text, match.end())
    return cleaned(text[: match.start() if match else len(text)])


def cleaned(text: str) -> str:
    """Return the beginning of a text without quoted subjects and scanners' footers."""
    own = _SUBJECT.sub("", text[:LONGEST]).strip()
    if not _SCANNED.search(own):
        return own
    paragraphs = _PARAGRAPH.split(own)
    return "\n\n".join(row for row in paragraphs if not _SCANNED.search(row) or _CAUGHT.search(row))


def returns_mail(text: str) -> bool:
    """Return whether a text has the header of a mail, with a server that passed it on."""
    return bool(_HOPS.search(text))
