"""Checks of stories: published, not deleted, not outdated, each once, linked, within the size."""

from collections.abc import Iterator, Sequence

from digest.core.text import counted
from digest.issues.models import Story
from digest.sending.preflight.material import Material, place_of
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "stories"


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield what is wrong with the selection of stories."""
    findings = list(_findings(material))
    yield from findings
    if not findings:
        number = counted(len(material.stories), "story", "stories")
        yield PassedCheck(CHECK, f"{number}, published and each once")


def _findings(material: Material) -> Iterator[Finding]:
    stories = material.stories
    if not stories and not material.issue.is_of_series:
        yield Finding(
            CHECK, Level.STOP, "The issue has no stories.", "Add one, or skip this issue."
        )
    early = [row for row in stories if row.article and row.article.available_at > material.now]
    yield from _group(
        early, Level.STOP, "not published yet", "Remove them, or send the issue later."
    )
    yield from _group(
        [row for row in stories if row.article is None],
        Level.WARN,
        "of an article that was deleted",
        "Remove the story if the article was withdrawn.",
    )
    yield from _group(
        [row for row in stories if row.article and row.article.revision > row.revision],
        Level.WARN,
        "of an article that was corrected since",
        "Refresh stories. One that is pinned or edited stays: change its texts, or add it again.",
    )
    yield from _group(
        _repeated(stories), Level.WARN, "in the issue twice", "Remove one of the two."
    )
    yield from _group(
        [row for row in stories if not row.url], Level.WARN, "without a link", "Remove them."
    )
    dropped = material.compiled.dropped if material.compiled else ()
    yield from _group(
        [row for row in stories if row.position in dropped],
        Level.WARN,
        "beyond the size at which Gmail clips a mail, and left out",
        "Shorten or remove others.",
    )


def _group(stories: Sequence[Story], level: Level, text: str, advice: str) -> Iterator[Finding]:
    """Yield one finding for all these stories; none without a story."""
    if stories:
        verb = "is" if len(stories) == 1 else "are"
        problem = f"{counted(len(stories), 'story', 'stories')} {verb} {text}."
        yield Finding(CHECK, level, problem, advice, tuple(map(place_of, stories)))


def _repeated(stories: Sequence[Story]) -> list[Story]:
    """Return the stories whose link an earlier story has already."""
    urls: set[str] = set()
    repeated = []
    for story in stories:
        if story.url and story.url in urls:
            repeated.append(story)
        urls.add(story.url)
    return repeated
