"""Is an issue fit to go out? What an editor should look at before, each with the place to mend it.

    what is said     subject, preheader, pictures, stories that are not out or stand twice
    what is made     does it render, fit, and offer a way out
    where it leads   every link and picture is asked for, as a subscriber would
    who gets it      subscribers there are, and a relay for the sender
    spam             rspamd's word, where one is configured

Looking changes nothing but the compiled form, which is made again when something changes.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import httpx
from django.conf import settings

from digest.core import http
from digest.core.errors import ConfigurationError
from digest.core.http import FetchError
from digest.issues.models import Issue, Story
from digest.relays import registry, routes
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.rendering.issue import LARGEST_HTML
from digest.sending.compiling import compiled_for
from digest.sending.outgoing import SOMEBODY, sample
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience

LONG_SUBJECT = 70  # characters that phones show of a subject, at most
AT_ONCE = 8  # links asked for side by side
PATIENCE = 10.0  # seconds for rspamd
NEARLY = 0.9  # of the size that gets through


class Level(StrEnum):
    """How a finding is meant."""

    STOP = "stop"  # it must not go out like this
    WARN = "warn"  # an editor should look


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `place` is `subject`, `preheader`, `mail`, `relay` or `story:ID`."""

    level: Level
    what: str
    advice: str
    place: str = "mail"


def examine(issue: Issue, now: datetime, *, network: bool = True) -> list[Finding]:
    """Return what should be looked at, what stops the issue first; nothing: all is well.

    Without `network` no link is followed and rspamd is not asked.
    """
    stories = list(issue.stories.filter(retracted_at=None).select_related("article"))
    found = [*_of_stories(stories, now), *_of_relay(issue)]
    try:
        compiled = compiled_for(issue)
    except RenderingError as problem:
        found.append(Finding(Level.STOP, f"It cannot be rendered: {problem}", "Mend the template."))
    else:
        found += [*_of_mail(issue, compiled, stories), *_of_subscribers(issue, compiled, now)]
        if network:
            found += [*_of_links(issue, stories), *_of_spam(issue)]
    return sorted(found, key=lambda one: one.level != Level.STOP)


def _of_stories(stories: Sequence[Story], now: datetime) -> Iterator[Finding]:
    if not stories:
        yield Finding(Level.STOP, "There is no story in it.", "Add one, or skip this issue.")
    seen: set[str] = set()
    for story in stories:
        yield from _of_story(story, now)
        if story.url and story.url in seen:
            yield _about(story, Level.WARN, "stands in it twice", "Drop one of them.")
        seen.add(story.url)


def _of_story(story: Story, now: datetime) -> Iterator[Finding]:
    article = story.article
    if article is None:
        yield _about(story, Level.WARN, "is of an article that is gone", "Withdrawn? Drop it.")
    elif article.available_at > now:
        yield _about(story, Level.STOP, "is not published yet", "Drop it, or send it later.")
    if story.image_url and not story.image_alt.strip():
        yield _about(story, Level.WARN, "has a picture without a description", "Write one.")
    if not story.url:
        yield _about(story, Level.WARN, "has no address to read on", "Give it one, or drop it.")


def _of_mail(issue: Issue, compiled: Compiled, stories: Sequence[Story]) -> Iterator[Finding]:
    if len(compiled.subject) > LONG_SUBJECT:
        words = f"The subject has {len(compiled.subject)} characters; phones show about 40 to 70."
        yield Finding(Level.WARN, words, "Shorten it.", "subject")
    if not compiled.preheader.strip():
        words = "There is no preheader: inboxes show the first words of the mail instead."
        yield Finding(Level.WARN, words, "Write one.", "preheader")
    for story in stories:
        if story.position in compiled.dropped:
            words = "does not fit: the mail would be cut off by Gmail"
            yield _about(story, Level.WARN, words, "Shorten or drop others.")
    size = len(compiled.html().encode())
    if size > NEARLY * LARGEST_HTML:
        words = f"The mail has {size // 1000} KB of HTML; Gmail cuts off at 102."
        yield Finding(Level.WARN, words, "Fewer stories, or a shorter intro.")
    if b"/unsubscribe/" not in sample(issue).replace(b"=\r\n", b""):
        yield Finding(Level.STOP, "No link to unsubscribe stands in it.", "Mend the template.")
    if not issue.newsletter.publication.postal_address.strip():
        words = "The publication has no postal address."
        yield Finding(Level.STOP, words, "Mail to many must name one (CAN-SPAM and its kin).")


def _of_subscribers(issue: Issue, compiled: Compiled, now: datetime) -> Iterator[Finding]:
    segmentation = segmentation_of(issue, compiled)
    if not audience.eligible(issue.newsletter_id, now, segmentation.audience).exists():
        yield Finding(Level.WARN, "Nobody would receive it.", "Add subscribers first.")


def _of_relay(issue: Issue) -> Iterator[Finding]:
    domain = routes.sender_domain(issue.newsletter.publication.sender_email)
    try:
        advice = routes.domains_without_relay([domain], registry.active_relays()).get(domain)
    except ConfigurationError as problem:
        advice = str(problem)
    if advice:
        words = f"Nothing can be sent from {domain}."
        yield Finding(Level.STOP, words, advice, "relay")


def _of_links(issue: Issue, stories: Sequence[Story]) -> Iterator[Finding]:
    """Ask for every address once, several at a time."""
    wanted: dict[str, tuple[str, Story | None]] = {}
    for story in stories:
        wanted.setdefault(story.url, ("Its link", story))
        wanted.setdefault(story.image_url, ("Its picture", story))
    publication, appeal = issue.newsletter.publication, issue.appeal
    wanted.setdefault(publication.logo_url, ("The logo", None))
    wanted.setdefault(appeal.url if appeal else "", ("The appeal's link", None))
    wanted.pop("", None)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (what, about), trouble in zip(wanted.values(), pool.map(_trouble, wanted), strict=True):
            if trouble and about:
                words = f"{what.lower()} leads nowhere: {trouble}"
                yield _about(about, Level.WARN, words, "Mend it, or drop the story.")
            elif trouble:
                yield Finding(Level.WARN, f"{what} leads nowhere: {trouble}", "Mend it.")


def _trouble(url: str) -> str:
    try:
        http.fetch(url)
    except http.TooLargeError:
        return ""  # it is there
    except FetchError as problem:
        return str(problem)
    return ""


def _of_spam(issue: Issue) -> Iterator[Finding]:
    """Ask rspamd (its HTTP protocol, /checkv2) what it makes of the mail."""
    if not settings.DIGEST_RSPAMD_URL:
        return
    address = f"{settings.DIGEST_RSPAMD_URL.rstrip('/')}/checkv2"
    sender = issue.newsletter.publication.sender_email
    try:
        answer = httpx.post(
            address,
            content=sample(issue),
            # As mail of our own people: no host has sent it yet, so none is to be judged.
            headers={"From": sender, "Rcpt": SOMEBODY, "User": sender},
            timeout=PATIENCE,
        )
        verdict = answer.raise_for_status().json()
        score, most = float(verdict["score"]), float(verdict["required_score"])
        rules = sorted(verdict.get("symbols", {}).values(), key=lambda one: -one.get("score", 0))
        names = ", ".join(str(one.get("name", "")) for one in rules[:3])
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as problem:
        words = f"rspamd gave no verdict: {problem}"
        yield Finding(Level.WARN, words, "Look at DIGEST_RSPAMD_URL.")
        return
    if score > most / 2:
        words = f"rspamd gives it {score:.1f} points; from {most:.0f} on it is spam. Most: {names}."
        yield Finding(Level.STOP if score >= most else Level.WARN, words, "Change what it names.")


def _about(story: Story, level: Level, words: str, advice: str) -> Finding:
    return Finding(level, f"“{story.title}”: {words}.", advice, f"story:{story.pk}")
