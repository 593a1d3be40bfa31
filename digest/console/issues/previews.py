"""The mail as it would arrive: HTML, text or source; for anybody, or for one subscriber."""

import re
from binascii import a2b_qp
from email import message_from_bytes, policy
from email.message import EmailMessage

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.console.access import (
    get_issue,
    parse_id,
    record_action,
    require_right,
    scope_of,
)
from digest.console.pages import page_view
from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.rendering.blocks import variants
from digest.rendering.compiled import Compiled
from digest.sending import outgoing
from digest.sending.compiling import compiled_for

_ROW = 400  # characters of a row that are compared
_ON_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
# What a mail contains comes from outside: it is shown, and runs nothing.
POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
WITHOUT_IMAGES = POLICY.replace("img-src https: http: data:", "img-src 'none'")


@page_view(Right.SEE)
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Show an issue as `html`, `text` or `source`, as one subscriber gets it with `?subscriber=`.

    `?variant=` is that of the issue's test, `?scheme=` is light or dark, `?images=off` leaves
    pictures out. Blocks and stories have anchors by their number: `#block-1`, `#story-1`. Its links
    belong to nobody, and the audit log says who looked.
    """
    issue, address = get_issue(request, pk), request.GET.get("subscriber", "").strip()
    if address:
        publication_id = issue.newsletter.publication_id
        require_right(request, Right.SUBSCRIBERS, publication_id, issue.newsletter_id)
        action = f"previewed issue {issue.pk} as a subscriber"
        record_action(request, action, address, publication_id)
    try:
        variant = parse_id(request.GET.get("variant", "")) or 0
        scope = scope_of(request, Right.SUBSCRIBERS)
        octets = outgoing.compose_sample(issue, address, variant=variant, scope=scope)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    else:
        response = _body(octets, kind, request.GET.get("scheme", ""), issue)
    is_plain = request.GET.get("images") == "off"
    response.headers["Content-Security-Policy"] = WITHOUT_IMAGES if is_plain else POLICY
    return response


def force_scheme(html: str, scheme: str) -> str:
    """Return a mail as it looks in a scheme; browsers give a frame that of the whole screen."""
    conditions = {"dark": "(min-width: 0)", "light": "(max-width: 0)"}
    return _ON_DARK.sub(conditions[scheme], html) if scheme in conditions else html


def with_anchors(html: str, compiled: Compiled) -> str:
    """Return a mail's HTML with an `id` where each block and each story begins, for previews."""
    position, pieces, names = 0, list[str](), set[str]()
    for cut in compiled.html_cuts:
        row = a2b_qp(cut.ready).decode().replace("\r\n", "\n").strip()[:_ROW]
        name = _anchor(cut.keys[0]) if cut.keys and row.startswith("<tr") else ""
        at = html.find(row, position) if name and name not in names else -1
        if at >= 0:
            pieces += [html[position : at + 3], f' id="{name}"']
            position = at + 3
            names.add(name)
    return "".join([*pieces, html[position:]])


def _anchor(key: int) -> str:
    """Return the anchor of a story, or of a block, whose key is negative."""
    return f"story-{variants.position_of(key) + 1}" if key >= 0 else f"block-{-key}"


def _body(octets: bytes, kind: str, scheme: str, issue: Issue) -> HttpResponse:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    if kind == "source":
        return HttpResponse(octets, content_type="text/plain; charset=utf-8")
    subtype = {"html": "html", "text": "plain"}.get(kind)
    part = message.get_body((subtype,)) if subtype else None
    if part is None:
        raise Http404
    content = part.get_content().replace("\r\n", "\n")
    if subtype == "html":
        content = with_anchors(force_scheme(content, scheme), compiled_for(issue))
    return HttpResponse(content, content_type=f"text/{subtype}; charset=utf-8")
