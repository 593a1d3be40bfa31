"""Checks of blocks: unfinished ones, and sponsors that nothing names as such."""

from collections.abc import Callable, Iterator, Sequence

from digest.core import rich_text
from digest.core.text import counted
from digest.issues.models import Block
from digest.newsletters.choices import BlockKind
from digest.sending.preflight.material import Material, document_of, place_of_block
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "blocks"
FEWEST_ANSWERS = 2


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield the blocks that are not finished, by what is missing."""
    findings = list(_findings(material.blocks))
    yield from findings
    if material.blocks and not findings:
        yield PassedCheck(CHECK, f"{len(material.blocks)}, none unfinished")


def _findings(blocks: Sequence[Block]) -> Iterator[Finding]:
    for problem, advice, is_affected in _RULES:
        places = tuple(place_of_block(block) for block in blocks if is_affected(block))
        if places:
            text = f"{counted(len(places), 'block')} {problem}."
            yield Finding(CHECK, Level.WARN, text, advice, places)


def _has_no_text(block: Block) -> bool:
    if block.kind not in (BlockKind.NOTE, BlockKind.TEXT):
        return False
    document = document_of(block)
    return document is None or rich_text.is_empty(document)


def _has_no_picture(block: Block) -> bool:
    return block.kind == BlockKind.IMAGE and not block.content.get("picture")


def _has_undescribed_picture(block: Block) -> bool:
    has_picture = block.kind == BlockKind.IMAGE and bool(block.content.get("picture"))
    return has_picture and not (block.content.get("alt") or block.content.get("caption"))


def _has_no_title(block: Block) -> bool:
    is_card = block.kind in (BlockKind.LINK, BlockKind.MEDIA)
    return is_card and not block.content.get("title")


def _has_no_link(block: Block) -> bool:
    is_card = block.kind in (BlockKind.LINK, BlockKind.MEDIA)
    return is_card and not block.content.get("url")


def _has_no_answers(block: Block) -> bool:
    if block.kind != BlockKind.FEEDBACK:
        return False
    answers = block.content.get("answers") or []
    return not block.content.get("question") or len(answers) < FEWEST_ANSWERS


def _is_unlabelled_sponsor(block: Block) -> bool:
    is_sponsor = block.kind == BlockKind.SPONSOR and block.appeal is not None
    return bool(is_sponsor and block.appeal and not block.appeal.label.strip())


_FINISH = "Finish them, or hide or remove them."
_RULES: Sequence[tuple[str, str, Callable[[Block], bool]]] = [
    ("without any text", _FINISH, _has_no_text),
    ("without a picture", _FINISH, _has_no_picture),
    (
        "with a picture that nothing describes",
        "Add a description: screen readers read it.",
        _has_undescribed_picture,
    ),
    ("without a title", _FINISH, _has_no_title),
    ("without a link", _FINISH, _has_no_link),
    ("without a question and two answers", _FINISH, _has_no_answers),
    (
        "with a sponsor that has no label",
        "Add one, such as “Sponsored”, to the sponsor: advertising must be labelled as such.",
        _is_unlabelled_sponsor,
    ),
]
