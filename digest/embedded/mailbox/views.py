"""The pages of the local mailbox. A mail's own HTML is shown only inside a sandboxed frame."""

from collections.abc import Mapping

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from digest.core import clock
from digest.embedded import upcoming
from digest.embedded.errors import EmbeddedError
from digest.embedded.loopback import only_from_this_machine
from digest.embedded.mailbox import maildir, mails

PAGE = 50
LONGEST_SHOWN = 1024 * 1024  # characters of source on a page; the download is whole
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# What strangers wrote: no script, no forms, no frames; pictures as a mail program would load them.
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
VIEWS = ("html", "text", "headers", "source")


@require_safe
@only_from_this_machine
def listing(request: HttpRequest) -> HttpResponse:
    """Show the mails, newest first, fifty a page."""
    folder = settings.DIGEST_DATA_DIR / "mailbox"
    entries = maildir.entries(folder)
    pages = max(1, -(-len(entries) // PAGE))
    page = _page_number(request, pages)
    visible = entries[(page - 1) * PAGE : page * PAGE]
    rows = [
        (entry, mails.summary(maildir.read(folder, entry.key, mails.HEAD))) for entry in visible
    ]
    context = {
        "rows": rows,
        "total": len(entries),
        "page": page,
        "pages": pages,
        "now": clock.now(),
        "upcoming": None if entries else upcoming.first(clock.now()),
    }
    return _render(request, "mailbox/list.html.j2", context)


@require_safe
@only_from_this_machine
def mail(request: HttpRequest, key: str, view: str = "") -> HttpResponse:
    """Show one mail: as HTML, as text, its headers with the envelope, or its source."""
    if view and view not in VIEWS:
        raise Http404
    raw = _read(key)
    opened = mails.open_mail(raw)
    entry = maildir.Entry.of(key)
    context = {
        "key": key,
        "mail": opened,
        "entry": entry,
        "views": VIEWS,
        "view": view or ("html" if opened.html else "text"),
        "source": raw.decode("utf-8", "replace")[:LONGEST_SHOWN],
        "cut": len(raw) > LONGEST_SHOWN,
        "unsubscribe_path": _own_path(opened.unsubscribe_url),
        "unsubscribe_mail": _ours_by_mail(opened.unsubscribe_mail),
    }
    return _render(request, "mailbox/mail.html.j2", context)


@require_safe
@only_from_this_machine
def frame(_request: HttpRequest, key: str) -> HttpResponse:
    """Return a mail's HTML part alone, for the sandboxed frame."""
    html = mails.open_mail(_read(key)).html
    response = HttpResponse(mails.opening_links_outside(html))
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_safe
@only_from_this_machine
def download(_request: HttpRequest, key: str) -> HttpResponse:
    """Return a mail's bytes as they are."""
    response = HttpResponse(_read(key), content_type="message/rfc822")
    response["Content-Disposition"] = 'attachment; filename="mail.eml"'
    return response


def _render(request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
    response = render(request, template, dict(context))
    response["Content-Security-Policy"] = PAGE_POLICY
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"  # or a form would come back with Origin: null
    return response


def _read(key: str) -> bytes:
    try:
        return maildir.read(settings.DIGEST_DATA_DIR / "mailbox", key)
    except EmbeddedError as cause:
        raise Http404(str(cause)) from cause


def _page_number(request: HttpRequest, pages: int) -> int:
    number_text = request.GET.get("page", "1")
    return (
        min(pages, max(1, int(number_text)))
        if number_text.isdecimal() and len(number_text) < 9
        else 1
    )


def _ours_by_mail(address: str) -> str:
    """Return the address if its mail comes in here, or nothing."""
    domain = settings.DIGEST_INBOUND_DOMAIN
    return address if domain and address.endswith(f"@{domain}") else ""


def _own_path(url: str) -> str:
    """Return the path of a link to this installation, or nothing for a link elsewhere."""
    base = f"{settings.DIGEST_BASE_URL}/"
    return f"/{url.removeprefix(base)}" if url.startswith(base) else ""
