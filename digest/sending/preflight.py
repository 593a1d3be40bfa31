"""Preflight: is an issue ready to go out? Each finding says what to fix, and where.

    text         subject, preheader, pictures, stories that are not published or appear twice
    message      does it render, is it small enough, does it have an unsubscribe link
    links        every link and picture is requested, as a subscriber would
    recipients   is there a subscriber, and a relay for the sender
    spam         rspamd's verdict, where one is configured

Checks change nothing but the compiled form, which is made again when the issue changes.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import httpx
from django.conf import settings

from digest.core import http
from digest.core.alt_text import describe_picture
from digest.core.errors import ConfigurationError
from digest.core.http import FetchError
from digest.issues.models import Issue, Story
from digest.relays import registry, routes
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.rendering.issue import LARGEST_HTML
from digest.sending.compiling import compiled_for
from digest.sending.outgoing import SAMPLE_EMAIL, compose_sample
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience

LONG_SUBJECT = 70  # characters: phones show no more of a subject
PARALLEL = 8  # links that are requested at once
RSPAMD_SECONDS = 10.0
LARGE = 0.9  # of the size that Gmail shows
MOST_NAMED = 5  # stories in one finding
_FORMAT_PARAMETER = r"[?&;](?:fm|format|f|type|ext|output)=(?:image/)?"
_PICTURE_FORMATS = [
    (
        "WebP or AVIF",
        "Classic Outlook for Windows",
        re.compile(
            rf"\.(?:webp|avif)(?:[?#]|\Z)|{_FORMAT_PARAMETER}(?:webp|avif)\b|[,/]f_(?:webp|avif)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "SVG",
        "Gmail and Outlook",
        re.compile(rf"\.svgz?(?:[?#]|\Z)|{_FORMAT_PARAMETER}svg\b", re.IGNORECASE),
    ),
]


class Level(StrEnum):
    """How serious a finding is."""

    STOP = "stop"  # the issue must not go out like this
    WARN = "warn"  # an editor should look


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to fix. `place` is `subject`, `preheader`, `mail`, `relay` or `story:ID`."""

    level: Level
    problem: str
    advice: str
    place: str = "mail"


def examine(issue: Issue, now: datetime, *, network: bool = True) -> list[Finding]:
    """Return what should be fixed, what stops the issue first.

    Without `network` no link is requested and rspamd is not asked.
    """
    stories = list(issue.stories.filter(retracted_at=None).select_related("article"))
    findings = [*_check_stories(stories, now), *_check_relay(issue)]
    try:
        compiled = compiled_for(issue)
    except RenderingError as problem:
        findings.append(
            Finding(Level.STOP, f"It cannot be rendered: {problem}", "Fix the template.")
        )
    else:
        findings += _check_message(issue, compiled, stories)
        findings += _check_recipients(issue, compiled, now)
        if network:
            findings += [*_check_links(issue, stories), *_check_spam(issue)]
    return sorted(findings, key=lambda finding: finding.level != Level.STOP)


def _check_stories(stories: Sequence[Story], now: datetime) -> Iterator[Finding]:
    if not stories:
        yield Finding(Level.STOP, "The issue has no stories.", "Add one, or skip this issue.")
    urls: set[str] = set()
    for story in stories:
        yield from _check_story(story, now)
        if story.url and story.url in urls:
            yield _of_story(story, Level.WARN, "appears twice", "Remove one of them.")
        urls.add(story.url)
    yield from _check_formats(stories)


def _check_formats(stories: Sequence[Story]) -> Iterator[Finding]:
    """Name the pictures that some mail programs cannot show, by the format in their address."""
    for formats, programs, pattern in _PICTURE_FORMATS:
        titles = [f"“{story.title}”" for story in stories if pattern.search(story.image_url)]
        if not titles:
            continue
        listed = ", ".join(titles[:MOST_NAMED])
        more = f" and {len(titles) - MOST_NAMED} more" if len(titles) > MOST_NAMED else ""
        text = f"{programs} cannot show pictures in {formats}, as those of {listed}{more}."
        advice = "Use a JPEG or PNG if it matters; the description is shown instead."
        yield Finding(Level.WARN, text, advice)


def _check_story(story: Story, now: datetime) -> Iterator[Finding]:
    article = story.article
    if article is None:
        yield _of_story(
            story,
            Level.WARN,
            "belongs to an article that was deleted",
            "If it was withdrawn, remove it.",
        )
    elif article.available_at > now:
        yield _of_story(
            story, Level.STOP, "is not published yet", "Remove it, or send the issue later."
        )
    if story.image_url and not describe_picture(story.image_alt, story.image_caption, story.title):
        yield _of_story(story, Level.WARN, "has a picture without a description", "Write one.")
    if not story.url:
        yield _of_story(story, Level.WARN, "has no link", "Add one, or remove the story.")


def _check_message(issue: Issue, compiled: Compiled, stories: Sequence[Story]) -> Iterator[Finding]:
    if len(compiled.subject) > LONG_SUBJECT:
        text = f"The subject has {len(compiled.subject)} characters; phones show about 40 to 70."
        yield Finding(Level.WARN, text, "Shorten it.", "subject")
    if not compiled.preheader.strip():
        text = "There is no preheader: inboxes show the beginning of the mail instead."
        yield Finding(Level.WARN, text, "Write one.", "preheader")
    for story in stories:
        if story.position in compiled.dropped:
            text = "does not fit: Gmail would cut the mail off"
            yield _of_story(story, Level.WARN, text, "Shorten or remove others.")
    size = len(compiled.html().encode())
    if size > LARGE * LARGEST_HTML:
        text = f"The mail has {size // 1000} KB of HTML; Gmail cuts it off at 102."
        yield Finding(Level.WARN, text, "Use fewer stories, or shorter texts.")
    if b"/unsubscribe/" not in compose_sample(issue).replace(b"=\r\n", b""):
        yield Finding(Level.STOP, "The mail has no unsubscribe link.", "Fix the template.")
    if not issue.newsletter.publication.postal_address.strip():
        text = "The publication has no postal address."
        yield Finding(Level.STOP, text, "Bulk mail must have one (CAN-SPAM and similar laws).")


def _check_recipients(issue: Issue, compiled: Compiled, now: datetime) -> Iterator[Finding]:
    segmentation = segmentation_of(issue, compiled)
    if not audience.eligible(issue.newsletter_id, now, segmentation.audience).exists():
        yield Finding(Level.WARN, "No subscriber would receive it.", "Add subscribers first.")


def _check_relay(issue: Issue) -> Iterator[Finding]:
    domain = routes.sender_domain(issue.newsletter.publication.sender_email)
    try:
        advice = routes.domains_without_relay([domain], registry.active_relays()).get(domain)
    except ConfigurationError as problem:
        advice = str(problem)
    if advice:
        text = f"Nothing can be sent from {domain}."
        yield Finding(Level.STOP, text, advice, "relay")


def _check_links(issue: Issue, stories: Sequence[Story]) -> Iterator[Finding]:
    """Request every address once, several at a time."""
    urls: dict[str, tuple[str, Story | None]] = {}
    for story in stories:
        urls.setdefault(story.url, ("Its link", story))
        urls.setdefault(story.image_url, ("Its picture", story))
    urls.setdefault(issue.newsletter.publication.logo_url, ("The logo", None))
    for block in issue.blocks.filter(hidden=False).select_related("appeal"):
        appeal_url = block.appeal.url if block.appeal else ""
        urls.setdefault(appeal_url, (f"The link of “{block.appeal}”", None))
        urls.setdefault(block.content.get("url", ""), (f"The link of “{block}”", None))
    urls.pop("", None)
    with ThreadPoolExecutor(PARALLEL) as pool:
        for (label, owner), problem in zip(urls.values(), pool.map(_problem, urls), strict=True):
            if problem and owner:
                text = f"{label.lower()} does not work: {problem}"
                yield _of_story(owner, Level.WARN, text, "Fix it, or remove the story.")
            elif problem:
                yield Finding(Level.WARN, f"{label} does not work: {problem}", "Fix it.")


def _problem(url: str) -> str:
    try:
        http.fetch(url)
    except http.TooLargeError:
        return ""  # it exists
    except FetchError as problem:
        return str(problem)
    return ""


def _check_spam(issue: Issue) -> Iterator[Finding]:
    """Ask rspamd (its HTTP protocol, /checkv2) for a verdict on the mail."""
    if not settings.DIGEST_RSPAMD_URL:
        return
    address = f"{settings.DIGEST_RSPAMD_URL.rstrip('/')}/checkv2"
    sender = issue.newsletter.publication.sender_email
    try:
        answer = httpx.post(
            address,
            content=compose_sample(issue),
            # As mail of an authenticated user: no host has sent it yet, so none can be judged.
            headers={"From": sender, "Rcpt": SAMPLE_EMAIL, "User": sender},
            timeout=RSPAMD_SECONDS,
        )
        verdict = answer.raise_for_status().json()
        score, most = float(verdict["score"]), float(verdict["required_score"])
        rules = sorted(verdict.get("symbols", {}).values(), key=lambda rule: -rule.get("score", 0))
        names = ", ".join(str(rule.get("name", "")) for rule in rules[:3])
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as problem:
        text = f"rspamd gave no verdict: {problem}"
        yield Finding(Level.WARN, text, "Check DIGEST_RSPAMD_URL.")
        return
    if score > most / 2:
        text = f"rspamd scores it {score:.1f}; {most:.0f} is spam. Highest: {names}."
        yield Finding(
            Level.STOP if score >= most else Level.WARN, text, "Change what these rules name."
        )


def _of_story(story: Story, level: Level, text: str, advice: str) -> Finding:
    return Finding(level, f"“{story.title}”: {text}.", advice, f"story:{story.pk}")
