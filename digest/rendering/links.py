"""Where the links of an issue lead: its stories, itself in a browser, its newsletter's pages."""

from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _

from digest.core.links import NOBODY, NOT_COUNTED, Page, click_url, issue_url
from digest.issues.models import Issue, Story
from digest.newsletters.models import Cadence, Newsletter
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.rendering.cleaned import mail_url

_SHARING = {  # by name, with what stands before the quoted address
    "Facebook": "https://www.facebook.com/sharer/sharer.php?u=",
    "WhatsApp": "https://wa.me/?text=",
    "LinkedIn": "https://www.linkedin.com/sharing/share-offsite/?url=",
    "Bluesky": "https://bsky.app/intent/compose?text=",
}


def language_of(newsletter: Newsletter) -> str:
    """Return the newsletter's language tag, or else its publication's."""
    return newsletter.language or newsletter.publication.language


def topic_query(newsletter: Newsletter, topic: str) -> str:
    """Return what stands behind a subscriber's preferences link to choose more or less of a topic.

    `change=more&` or `change=less&` goes before it.
    """
    return urlencode({"topic": topic, "newsletter": newsletter.slug})


def online_url(issue: Issue) -> str:
    """Return the address of an issue in a browser, which belongs to this issue alone.

    The archive has no daily or weekly issues; those of a private newsletter are shown there.
    """
    issues = archive_url(issue.newsletter)
    if issues and issue.cadence != Cadence.EVERY:
        return issues
    return issue_url(issue if issue.pk else NOBODY)  # a draft is nowhere yet


def archive_url(newsletter: Newsletter) -> str:
    """Return the public URL of a newsletter's past issues; empty for a private newsletter."""
    return Page.ARCHIVE.url(slug=newsletter.slug) if newsletter.is_public else ""


def sign_up_url(newsletter: Newsletter) -> str:
    """Return the public URL of the sign-up form; empty where nobody may sign up."""
    return Page.SUBSCRIBE.url(slug=newsletter.slug) if newsletter.accepts_signups else ""


def share_links(issue: Issue, name: str) -> list[tuple[str, str]]:
    """Return the links that share an issue, each with its label in the active language.

    Forwarding opens a mail with the address of the web version, so that what is forwarded has no
    links of one subscriber. What is not public is not shared: a private newsletter's issues,
    those for a segment or a topic, and mails of a series.
    """
    is_for_some = issue.segment_id or issue.only_topics or issue.is_of_series
    is_public = issue.newsletter.is_public and not is_for_some
    if not (is_public and issue.newsletter.share_links):
        return []
    address = _shared_url(issue)
    forward = f"mailto:?subject={quote(name, safe='')}&body={quote(address, safe='')}"
    sites = [(site, url + quote(address, safe="")) for site, url in _SHARING.items()]
    return [(_("Forward"), forward), *sites]


def _shared_url(issue: Issue) -> str:
    """Return the address that is shared: of a protected issue its page in the archive.

    The link in the mail would open it for everyone.
    """
    if issue.readable_by == ArchiveAccess.PUBLIC or issue.cadence != Cadence.EVERY:
        return online_url(issue)
    return Page.ISSUE.url(slug=issue.newsletter.slug, key=issue.key)


def teaser_url(story: Story) -> str:
    """Return a story's link in a mail that is not its issue's, where it is not counted.

    It leads to the article, or through us if a retraction has to reach it and the issue has such
    links; it is empty without a web address.
    """
    direct = mail_url(story.url)
    rows = story.links.all() if story.issue.newsletter.redirect_links else ()
    link = next((row for row in rows if row.url == direct), None)
    return f"{click_url(story.issue, link)}/{NOT_COUNTED}" if link else direct
