"""The mail as it would arrive: HTML, text or source; for anybody, or for one subscriber."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.console.access import get_issue, record_action, require_right
from digest.console.pages import page_view
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.sending import outgoing

_ON_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
# What a mail contains comes from outside: it is shown, and runs nothing.
POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@page_view(Right.SEE)
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Show an issue as `html`, `text` or `source`, as one subscriber gets it with `?subscriber=`.

    `?scheme=` is light or dark. Its links belong to nobody, and the audit log says who looked.
    """
    issue, address = get_issue(request, pk), request.GET.get("subscriber", "").strip()
    if address:
        publication_id = issue.newsletter.publication_id
        require_right(request, Right.SUBSCRIBERS, publication_id)
        action = f"previewed issue {issue.pk} as a subscriber"
        record_action(request, action, address, publication_id)
    try:
        octets = outgoing.compose_sample(issue, address)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    else:
        response = _body(octets, kind, request.GET.get("scheme", ""))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def force_scheme(html: str, scheme: str) -> str:
    """Return a mail as it looks in a scheme; browsers give a frame that of the whole screen."""
    conditions = {"dark": "(min-width: 0)", "light": "(max-width: 0)"}
    return _ON_DARK.sub(conditions[scheme], html) if scheme in conditions else html


def _body(octets: bytes, kind: str, scheme: str) -> HttpResponse:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    if kind == "source":
        return HttpResponse(octets, content_type="text/plain; charset=utf-8")
    subtype = {"html": "html", "text": "plain"}.get(kind)
    part = message.get_body((subtype,)) if subtype else None
    if part is None:
        raise Http404
    content = force_scheme(part.get_content(), scheme) if subtype == "html" else part.get_content()
    return HttpResponse(content, content_type=f"text/{subtype}; charset=utf-8")
