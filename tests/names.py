"""Which names the code may not use, and where it uses them all the same.

`python -m tests.names [FOLDER …]` lists them. A name stands for a thing of the field, in full: no
pronouns, no participles, and none of the words that the vocabulary has replaced.
"""

import ast
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
        "asked",
        "each",
        "found",
        "given",
        "gone",
        "heard",
        "held",
        "kept",
        "known",
        "made",
        "mine",
        "one",
        "others",
        "ours",
        "said",
        "seen",
        "shown",
        "some",
        "taken",
        "theirs",
        "there",
        "told",
        "typed",
        "wanted",
        "what",
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
        "backoffice",
        "belonging",
        "edition",
        "editions",
        "entrust",
        "entrusting",
        "farewell",
        "furniture",
        "hook",
        "hooks",
        "knock",
        "knocking",
        "parcel",
        "parcels",
        "reader",
        "readers",
        "roster",
        "shelf",
        "tame",
    ]
)
# Names that others gave, each with the reason.
ALLOWED = {
    "pytest_hookimpl": "pytest's word",
    "excepthook": "Python's word",
}


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
    if is_forbidden(path.stem):
        yield Use(path, 0, path.stem)
    for line, name in _bindings(ast.parse(path.read_text())):
        if is_forbidden(name):
            yield Use(path, line, name)


def is_forbidden(name: str) -> bool:
    """Say whether a name is on one of the lists and not among the exceptions."""
    plain = name.strip("_").lower()
    parts = plain.split("_")
    return name not in ALLOWED and (plain in VAGUE or not REPLACED.isdisjoint(parts))


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
