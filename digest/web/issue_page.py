"""The page of a public issue: the mail as it was sent, and around it what a page on the web has.

The mail is a whole document with styles of its own, so nothing is put into a frame of ours: our
parts go into its head, and before and behind what it shows. Their classes begin with `digest-`.
"""

import re
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse

from digest.core.links import absolute
from digest.issues.models import Issue
from digest.sending.public_archive import cover_of, neighbours, render_issue, shown_stories

_BODY = re.compile(r"<body\b[^>]*>")


def render_page(issue: Issue) -> str:
    """Return the page of an issue that `public_archive.find_issue` returned, as HTML."""
    context = _context(issue)
    mail = render_issue(issue)
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


def _split(mail: str) -> tuple[str, str, str]:
    """Return a document's head, the tag that begins its body, and what follows."""
    match = _BODY.search(mail)
    assert match is not None
    return mail[: match.start()], match.group(), mail[match.end() :]


def _context(issue: Issue) -> dict[str, Any]:
    newsletter = issue.newsletter
    address = absolute(reverse("issue", args=[newsletter.slug, issue.key]))
    title = issue.subject or newsletter.name
    earlier, later = neighbours(issue)
    return {
        "issue": issue,
        "newsletter": newsletter,
        "publication": newsletter.publication,
        "address": address,
        "title": title,
        "cover": cover_of(shown_stories(issue)),
        "earlier": earlier,
        "later": later,
        "linked_data": _linked_data(issue, address, title),
        "can_subscribe": newsletter.active,
    }


def _linked_data(issue: Issue, address: str, title: str) -> dict[str, Any]:
    """Describe an issue to search engines (schema.org, JSON-LD)."""
    newsletter = issue.newsletter
    publication = newsletter.publication
    return {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": title,
        "url": address,
        "datePublished": issue.goes_at.isoformat(),
        "inLanguage": newsletter.language or publication.language,
        "isPartOf": {
            "@type": "Periodical",
            "name": newsletter.name,
            "url": absolute(reverse("archive", args=[newsletter.slug])),
        },
        "publisher": {"@type": "Organization", "name": publication.name, "url": publication.url},
    }
