"""Which names the code may not use, and where it uses them all the same.

`python -m tests.names [FOLDER …]` lists them. A name stands for a thing of the field, in full: no
pronouns, no participles, and none of the words that the vocabulary has replaced.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FOLDERS = ("digest", "workers", "tests", "benchmarks")

# Never the whole name of a module, class, function, argument or variable.
VAGUE = frozenset(
    [
        "about",
        "again",
        "alike",
        "among",
        "anyone",
        "anywhere",
        "apart",
        "aside",
        "ask",
        "asked",
        "away",
        "began",
        "begun",
        "beside",
        "besides",
        "both",
        "came",
        "condemn",
        "copies",
        "deed",
        "deeds",
        "each",
        "either",
        "elsewhere",
        "everybody",
        "everything",
        "fell",
        "found",
        "gave",
        "given",
        "gone",
        "got",
        "grudges",
        "guard",
        "had",
        "heir",
        "held",
        "here",
        "how",
        "kept",
        "known",
        "lately",
        "made",
        "meanwhile",
        "mine",
        "mood",
        "nasty",
        "never",
        "nobody",
        "nothing",
        "once",
        "one",
        "only",
        "others",
        "ours",
        "ourselves",
        "peer",
        "people",
        "ran",
        "reach",
        "rubbish",
        "said",
        "same",
        "sat",
        "seen",
        "shown",
        "sit",
        "some",
        "somebody",
        "still",
        "such",
        "taken",
        "theirs",
        "then",
        "there",
        "these",
        "this",
        "those",
        "told",
        "took",
        "typed",
        "wanted",
        "went",
        "what",
        "when",
        "where",
        "whim",
        "who",
        "whom",
        "whose",
        "why",
        "word",
        "words",
    ]
)
# Never a part of a name either: the vocabulary has another word.
REPLACED = frozenset(
    [
        "anew",
        "backoffice",
        "bearer",
        "belonging",
        "carry",
        "come_back",
        "desk",
        "disclosing",
        "door",
        "doors",
        "doubt",
        "edition",
        "editions",
        "entrust",
        "entrusting",
        "erasing",
        "facts",
        "farewell",
        "furniture",
        "gate",
        "gates",
        "hand",
        "hands",
        "hear",
        "heard",
        "hears",
        "hook",
        "hooks",
        "knock",
        "knocking",
        "lay",
        "let_go",
        "moving",
        "on_offer",
        "parcel",
        "parcels",
        "peers",
        "posting",
        "program",
        "programs",
        "prose",
        "put_back",
        "reader",
        "readers",
        "roster",
        "seat",
        "seats",
        "shelf",
        "spoken",
        "tame",
        "tell",
        "telling",
        "testing",
        "trial",
        "trials",
    ]
)
# Names that others gave, each with the reason.
ALLOWED = {
    "ANYONE": "who may approve, beside the other one of two",
    "BOTH": "where a block is shown: in mails and on the web",
    "ELSEWHERE": "an answer to why somebody unsubscribed",
    "EVERYBODY": "whom a migration blocks",
    "EVERYTHING": "a scope without a limit",
    "NEVER": "when a connection is encrypted",
    "NOBODY": "what a test mail's links name, and whom a migration blocks",
    "NOTHING": "numbers that are all zero, or no verdict",
    "excepthook": "Python's word",
    "peer": "the word of sockets, and of aiosmtpd's sessions",
    "pytest_hookimpl": "pytest's word",
}
# Words that are right in one part of the house, by the beginning of its path, each with the reason.
ALLOWED_BELOW = {
    ("digest/relays/transports/smtp/conversation", "begun"): "as in the journal",
    ("digest/sending/", "begun"): "the journal's word for a delivery that the relay may have",
    ("digest/analytics/popularity/", "reach"): "the word of web analytics for who saw a story",
    ("digest/api/resources/statistics", "people"): "how many persons answered, as in the console",
    ("digest/backups/", "program"): "one of PostgreSQL's client programs",
    ("digest/backups/", "programs"): "the same",
    ("digest/backups/archive", "reader"): "what reads a file, as Python's csv.reader does",
    ("digest/embedded/", "program"): "what a supervisor runs, in the words of supervisord",
    ("digest/embedded/", "programs"): "the same",
    ("tests/backups/", "programs"): "the same",
    ("tests/embedded/", "programs"): "the same",
}
# Not on a list, though the vocabulary has a better word in one place, because the word is right in
# others: "built" (an issue's finer state), "done", "load" (of a file), "moment" (format_moment),
# "number", "offer" (SMTP), "sort", "terms" (SPF and searches), "wording" (of a consent).

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_REPLACED = re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(REPLACED))})(?![a-z])")


class Use(NamedTuple):
    """A name that is on a list, and where it is bound."""

    path: Path
    line: int
    name: str


def uses(folders: tuple[str, ...] = FOLDERS) -> Iterator[Use]:
    """Yield each binding below these folders that a list forbids, in the order of the files."""
    for folder in folders:
        base = ROOT / folder
        for path in sorted([base] if base.is_file() else base.rglob("*.py")):
            if "migrations" not in path.parts:
                for use in uses_in(path):
                    yield use._replace(path=path.relative_to(ROOT))


def uses_in(path: Path) -> Iterator[Use]:
    """Yield each binding of a module that a list forbids, and the module's own name."""
    place = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
    allowed = {part for start, part in ALLOWED_BELOW if place.startswith(start)}
    for line, name in [(0, path.stem), *_bindings(ast.parse(path.read_text()))]:
        if name not in ALLOWED and not listed_words(name) <= allowed:
            yield Use(path, line, name)


def listed_words(name: str) -> set[str]:
    """Return the words of a name that a list forbids."""
    snake_case = _CAPITAL.sub("_", name).strip("_").lower()
    return {snake_case} & VAGUE | set(_REPLACED.findall(snake_case))


def _bindings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each class, function, argument and variable."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.alias() if node.asname:
                yield node.lineno, node.asname
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                yield node.lineno, node.name


if __name__ == "__main__":
    for use in uses(tuple(sys.argv[1:]) or FOLDERS):
        print(f"{use.path}:{use.line}: {use.name}")  # noqa: T201  a report
