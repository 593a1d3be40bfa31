"""Which reply of a transcript counts, where several hosts or attempts replied one after another.

Sendmail writes down what each host replied (`<<< 451`, then `<<< 550 5.1.1`), and other servers
list their attempts. A later refusal of the address itself outweighs that an earlier host was busy.
"""

import re

_LONGEST = 4_000  # characters
_TEMPORARY = re.compile(
    r"(?<![\d.:-])4[0-5]\d[ -][^\n]*|(?<![\d.])4\.\d{1,3}\.\d{1,3}(?!\.?\d)[^\n]*"
)
_ANY_CODE = re.compile(r"(?<![\d.:-])[45][0-5]\d[ -]|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
# At the beginning of a line, for an indented one continues what stands before it.
_FINAL = re.compile(
    r"^(?:<<< ?)?(?P<label>[^\s:][^\n]{0,120}: )?5[0-5]\d[ -]5\.(?:1\.(?:[1236]|10)|2\.1)(?![.\d])",
    re.MULTILINE,
)
_GOES_ON = re.compile(r"[:,]\s*\Z|(?:^|\n)(?:<<< ?)?4\d\d-[^\n]*\s*\Z")
_TRIES = re.compile(
    r"\bstill (?:being )?(?:try|trie|retr)"
    r"|\bwill (?:\w+ )?(?:continue|keep|try|retry|be (?:re)?tried)"
    r"|\bdelayed\b|\bnot (?:yet )?(?:final|given up)|\bdo not need to resend"
    r"|\bwarning message only",
    re.IGNORECASE,
)


def concluding_reply(text: str) -> str | None:
    """Return a text from the refusal that concludes it, where all replies before are temporary.

    None where there is no such refusal, where a temporary reply is its cause or its last word, and
    where the server goes on trying.
    """
    text = text[:_LONGEST]
    temporary = list(_TEMPORARY.finditer(text))
    if not temporary or _TRIES.search(_TEMPORARY.sub("", text)):
        return None
    final = _FINAL.search(text, temporary[-1].end())
    if final is None or _ANY_CODE.search(final["label"] or ""):
        return None
    before = text[: final.start()]
    is_first = not _ANY_CODE.search(_TEMPORARY.sub("", before))
    return None if _GOES_ON.search(before) or not is_first else text[final.start() :]
