"""The page of a public issue: the mail as it was sent, and around it what a page on the web has.

The mail is a whole document with styles of its own, so nothing is put into a frame of ours: our
parts go into its head, and before and behind what it shows. Their classes begin with `digest-`.
"""

import re
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse

from digest.core import clock, languages
from digest.core.links import absolute
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.sending.public_archive import cover_of, render_issue, shown_stories
from digest.transfers.cleaning import first_picture
from digest.transfers.models import PastIssue
from digest.web.archive_entries import Entry, neighbours
from digest.web.protected import access_of

_BODY = re.compile(r"<body\b[^>]*>")


def render_page(issue: Entry) -> str:
    """Return the page of what `archive_entries.find_entry` returned, as HTML."""
    context = _context(issue)
    mail = _past_page(context) if isinstance(issue, PastIssue) else render_issue(issue)
    head, begin, body = _split(mail)
    body, end, rest = body.rpartition("</body>")
    before_head, head_end, after_head = head.rpartition("</head>")
    parts = {
        name: render_to_string(f"archive/issue_{name}.html.j2", context)
        for name in ("head", "top", "bottom")
    }
    return "".join(
        [
            *(before_head, parts["head"], head_end, after_head),
            *(begin, parts["top"], body, parts["bottom"], end, rest),
        ]
    )


def _past_page(context: dict[str, Any]) -> str:
    """Return an issue of another service as a document: its date, and its sanitised text."""
    return render_to_string("archive/past.html.j2", context)


def _split(mail: str) -> tuple[str, str, str]:
    """Return a document's head, the tag that begins its body, and what follows."""
    match = _BODY.search(mail)
    assert match is not None
    return mail[: match.start()], match.group(), mail[match.end() :]


def _context(issue: Entry) -> dict[str, Any]:
    newsletter = issue.newsletter
    address = absolute(reverse("issue", args=[newsletter.slug, issue.key]))
    title = issue.subject or newsletter.name
    own_language = newsletter.language or newsletter.publication.language
    earlier, later = neighbours(issue)
    return {
        "issue": issue,
        "newsletter": newsletter,
        "publication": newsletter.publication,
        "address": address,
        "title": title,
        "cover": _cover(issue),
        "text_direction": languages.direction(own_language),
        "zone": clock.zone(newsletter.publication.timezone),
        "earlier": earlier,
        "later": later,
        "linked_data": _linked_data(issue, address, title),
        "can_subscribe": newsletter.accepts_signups,
    }


def _cover(issue: Entry) -> str:
    if isinstance(issue, PastIssue):
        return first_picture(issue.html)
    return cover_of(shown_stories(issue))


def _linked_data(issue: Entry, address: str, title: str) -> dict[str, Any]:
    """Describe an issue to search engines (schema.org, JSON-LD)."""
    newsletter = issue.newsletter
    publication = newsletter.publication
    return {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": title,
        "url": address,
        "datePublished": issue.goes_at.isoformat(),
        "isAccessibleForFree": access_of(issue) == ArchiveAccess.PUBLIC,
        "inLanguage": newsletter.language or publication.language,
        "isPartOf": {
            "@type": "Periodical",
            "name": newsletter.name,
            "url": absolute(reverse("archive", args=[newsletter.slug])),
        },
        "publisher": {"@type": "Organization", "name": publication.name, "url": publication.url},
    }
