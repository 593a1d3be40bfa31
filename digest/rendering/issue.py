"""From an issue to its compiled form: render with every story, inline, fit, cut, encode."""

from collections.abc import Sequence
from secrets import token_hex

from digest.issues.experiments.variants import Leads
from digest.issues.models import Block, Issue, Story
from digest.rendering import environment, mime
from digest.rendering.blocks import variants
from digest.rendering.cleaned import LONGEST_SUBJECT, shortened
from digest.rendering.compiled import CLICKS, Compiled, Cut
from digest.rendering.content import Content, content_of, editors_values
from digest.rendering.cutting import Marks, Piece
from digest.rendering.editor_templates import sandbox
from digest.rendering.errors import RenderingError
from digest.rendering.head import head_cuts
from digest.rendering.inlining import inline
from digest.rendering.targets import Store, Targets
from digest.rendering.themes.branding import publication_theme

LARGEST_HTML = 100_000  # octets; Gmail clips a mail near 102 KB, and its footer with it
SLOT_ROOM = 400  # octets reserved for the content of a slot
CLICK_ROOM = 60  # the same in a tracked link: a slash and a token with two ids
LONGEST_PREHEADER = 180


def compile_issue(
    issue: Issue,
    blocks: Sequence[Block],
    stories: Sequence[Story],
    store: Store | None = None,
    leads: Leads | None = None,
) -> Compiled:
    """Render, inline and encode an issue once, for all its subscribers.

    Nothing of it needs to be saved; each story has one of the blocks. With `store`, for which all
    of it has to be saved, links are tracked as the publication's settings say; else all are direct.
    The lowest-ranked stories that do not fit into LARGEST_HTML are left out and listed in
    `dropped`; never those that an experiment puts first (`leads`). Raises RenderingError with what
    an editor has to change.
    """
    stories = [story for story in stories if not story.block.hidden]
    targets = Targets(issue, store)
    content = content_of(issue, blocks, stories, targets, leads)
    texts = _editor_texts(issue, content, stories)
    values = {
        "content": content,
        "theme": publication_theme(issue.newsletter.publication, content.direction),
        "design": issue.newsletter.design,
        "subject": texts["subject"],
        "preheader": texts["preheader"],
    }
    slug = issue.newsletter.publication.slug
    html, text = _parts(values, content.language, slug, targets)
    dropped = _stories_to_drop(html, [story.position for story in stories], leads)
    boundary = f"=_{token_hex(12)}"  # `=_` never occurs in quoted-printable (RFC 2045 §6.7)
    return Compiled(
        subject=texts["subject"],
        preheader=texts["preheader"],
        dropped=dropped,
        boundary=boundary,
        head_cuts=head_cuts(issue.newsletter, boundary),
        text_cuts=_encode(text, dropped),
        html_cuts=_encode(html, dropped),
        names_subscribers=targets.names_subscribers,
    )


def _editor_texts(issue: Issue, content: Content, stories: Sequence[Story]) -> dict[str, str]:
    """Return subject and preheader: final ones, or from the issue's or newsletter's templates."""
    newsletter = issue.newsletter
    rendered = sandbox.render(
        {
            "subject": "" if issue.subject else issue.own_subject or newsletter.subject,
            "preheader": "" if issue.preheader else issue.own_preheader or newsletter.preheader,
        },
        editors_values(content, stories),
    )
    lead = content.headline or content.newsletter
    subject = shortened(issue.subject or rendered["subject"], LONGEST_SUBJECT) or lead
    preheader = shortened(issue.preheader or rendered["preheader"], LONGEST_PREHEADER)
    return {"subject": subject, "preheader": preheader}


def _parts(
    values: dict[str, object], language: str, slug: str, targets: Targets
) -> tuple[list[Piece], list[Piece]]:
    """Return HTML and text in pieces."""
    in_html, in_text = Marks("html", targets.nonce), Marks("text", targets.nonce)
    html = environment.render("issue.html.j2", values | {"marks": in_html}, language, slug)
    text = environment.render("issue.txt.j2", values | {"marks": in_text}, language, slug)
    addresses = targets.addresses()
    return in_html.cut(inline(html), addresses), in_text.cut(text, addresses)


def _stories_to_drop(
    pieces: Sequence[Piece], positions: Sequence[int], leads: Leads | None
) -> tuple[int, ...]:
    """Return the positions to leave out, lowest-ranked first, so that each variant's rest fits."""
    tested = {leads.first, *leads.leads} if leads else set()
    remaining, dropped = sorted(set(positions) - tested), list[int]()
    numbers = range(len(leads.leads) + 1 if leads else 1)
    while (size := max(_size(pieces, dropped, number) for number in numbers)) > LARGEST_HTML:
        if not remaining:
            stories = "the other stories" if tested else "any story"
            raise RenderingError(
                f"Without {stories} the mail already has {size // 1000} KB of HTML. "
                f"The limit is {LARGEST_HTML // 1000} KB. Shorten its texts."
            )
        dropped.append(remaining.pop())
    return tuple(dropped)


def _size(pieces: Sequence[Piece], dropped: Sequence[int], variant: int) -> int:
    remaining = [
        piece
        for piece in pieces
        if not _is_dropped(piece, dropped) and _belongs(piece.part.keys, variant)
    ]
    return sum(len(piece.text.encode()) + _room(piece.slot) for piece in remaining)


def _belongs(keys: tuple[int, ...] | None, variant: int) -> bool:
    return keys is None or any(variants.belongs(key, variant) for key in keys)


def _room(slot: str) -> int:
    """Return how many octets to reserve for a slot."""
    if slot in CLICKS:
        return CLICK_ROOM
    return SLOT_ROOM if slot else 0


def _is_dropped(piece: Piece, dropped: Sequence[int]) -> bool:
    keys = piece.part.keys
    return keys is not None and set(map(variants.position_of, keys)) <= set(dropped)


def _encode(pieces: Sequence[Piece], dropped: Sequence[int]) -> tuple[Cut, ...]:
    return tuple(
        Cut(mime.quoted(piece.text), piece.slot, piece.part.keys, piece.part.shown_in)
        for piece in pieces
        if (piece.text or piece.slot) and not _is_dropped(piece, dropped)
    )
