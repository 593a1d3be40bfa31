"""The mail as it would arrive: its HTML, its text, its source; anybody's, or one subscriber's own."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from digest.console.access import editors, find, must
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.sending import outgoing

_ON_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
# What stands in a mail comes from strangers: it is shown, and runs nothing.
POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@require_safe
@editors
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Show an issue as `html`, `text` or `source`; `?subscriber=ADDRESS` shows theirs.

    `?scheme=` is light or dark.
    """
    issue, address = find(request, pk), request.GET.get("subscriber", "").strip()
    if address:
        must(request, Right.SUBSCRIBERS, issue.newsletter.publication_id)
    try:
        octets = outgoing.compose_sample(issue, address)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    else:
        response = _shown(octets, kind, request.GET.get("scheme", ""))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def turned(html: str, scheme: str) -> str:
    """Return a mail as it stands in a scheme; browsers give a frame that of the whole screen."""
    known = {"dark": "(min-width: 0)", "light": "(max-width: 0)"}
    return _ON_DARK.sub(known[scheme], html) if scheme in known else html


def _shown(octets: bytes, kind: str, scheme: str) -> HttpResponse:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    if kind == "source":
        return HttpResponse(octets, content_type="text/plain; charset=utf-8")
    wanted = {"html": "html", "text": "plain"}.get(kind)
    part = message.get_body((wanted,)) if wanted else None
    if part is None:
        raise Http404
    content = turned(part.get_content(), scheme) if wanted == "html" else part.get_content()
    return HttpResponse(content, content_type=f"text/{wanted}; charset=utf-8")
