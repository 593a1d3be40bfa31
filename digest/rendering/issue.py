"""From an issue to its compiled form: render with every story, inline, fit, cut, encode."""

from collections.abc import Sequence
from secrets import token_hex

from digest.issues.models import Issue, Story
from digest.newsletters.models import Appeal
from digest.rendering import environment, mime, sandbox
from digest.rendering.compiled import Compiled, Cut
from digest.rendering.content import Content, content_of, editors_values, paragraphs, shortened
from digest.rendering.cutting import Marks, Piece
from digest.rendering.errors import RenderingError
from digest.rendering.head import head_cuts
from digest.rendering.inlining import inline
from digest.rendering.theme import theme_of

LARGEST_HTML = 100_000  # octets; Gmail cuts a mail off near 102 KB, and the foot with it
SLOT_ROOM = 400  # octets reserved for what fills a slot
LONGEST_SUBJECT = 250
LONGEST_PREHEADER = 180


def compile_issue(issue: Issue, stories: Sequence[Story], appeal: Appeal | None = None) -> Compiled:
    """Render, inline and encode an issue once, for all its subscribers.

    Neither the issue nor its stories need be saved; the lowest-ranked stories that don't fit into
    LARGEST_HTML are left out and named in `dropped`. Raises RenderingError, saying what an editor
    has to mend.
    """
    content = content_of(issue, stories, appeal)
    written = _written(issue, content, stories)
    values = {
        "content": content,
        "theme": theme_of(content.accent, content.accent_dark, content.direction),
        "intro": paragraphs(written["intro"]),
        "subject": written["subject"],
        "preheader": written["preheader"],
    }
    html, text = _html(values, content.language), _text(values, content.language)
    dropped = _too_many(html, [story.position for story in stories])
    boundary = f"=_{token_hex(12)}"  # `=_` never stands in quoted-printable (RFC 2045 §6.7)
    return Compiled(
        subject=written["subject"],
        preheader=written["preheader"],
        dropped=dropped,
        boundary=boundary,
        head_cuts=head_cuts(issue.newsletter, written["subject"], boundary),
        text_cuts=_encoded(text, dropped),
        html_cuts=_encoded(html, dropped),
    )


def _written(issue: Issue, content: Content, stories: Sequence[Story]) -> dict[str, str]:
    """Return subject, preheader and intro: the issue's own, or rendered as its editor wrote."""
    newsletter = issue.newsletter
    made = sandbox.render(
        {
            "subject": "" if issue.subject else newsletter.subject,
            "preheader": "" if issue.preheader else newsletter.preheader,
            "intro": newsletter.intro,
        },
        editors_values(issue, content, stories),
    )
    lead = content.lead.title if content.lead else content.newsletter
    subject = shortened(issue.subject or made["subject"], LONGEST_SUBJECT) or lead
    preheader = shortened(issue.preheader or made["preheader"], LONGEST_PREHEADER)
    return {"subject": subject, "preheader": preheader, "intro": made["intro"]}


def _html(values: dict[str, object], language: str) -> list[Piece]:
    marks = Marks("html")
    return marks.cut(
        inline(environment.render("issue.html.j2", values | {"marks": marks}, language))
    )


def _text(values: dict[str, object], language: str) -> list[Piece]:
    marks = Marks("text")
    return marks.cut(environment.render("issue.txt.j2", values | {"marks": marks}, language))


def _too_many(pieces: Sequence[Piece], positions: Sequence[int]) -> tuple[int, ...]:
    """Return the positions, lowest-ranked stories first, that have to go for the rest to fit."""
    kept, dropped = sorted(positions), list[int]()
    while (size := _size(pieces, dropped)) > LARGEST_HTML:
        if not kept:
            raise RenderingError(
                f"Without any story the mail is {size // 1000} KB of HTML already; "
                f"at most {LARGEST_HTML // 1000} KB get through. Shorten the intro."
            )
        dropped.append(kept.pop())
    return tuple(dropped)


def _size(pieces: Sequence[Piece], dropped: Sequence[int]) -> int:
    shown = [piece for piece in pieces if not _gone(piece, dropped)]
    return sum(len(piece.text.encode()) + SLOT_ROOM * bool(piece.slot) for piece in shown)


def _gone(piece: Piece, dropped: Sequence[int]) -> bool:
    return piece.part.stories is not None and set(piece.part.stories) <= set(dropped)


def _encoded(pieces: Sequence[Piece], dropped: Sequence[int]) -> tuple[Cut, ...]:
    return tuple(
        Cut(mime.quoted(piece.text), piece.slot, piece.part.stories, piece.part.mail_only)
        for piece in pieces
        if (piece.text or piece.slot) and not _gone(piece, dropped)
    )
