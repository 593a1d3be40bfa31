"""The mail as it would arrive: its HTML, its text, its source; anybody's, or one reader's own."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from digest.backoffice.access import editors, find, must
from digest.core.errors import DigestError
from digest.delivery import addressing
from digest.newsletters.members import Right

# What stands in a mail comes from strangers: it is shown, and runs nothing.
_POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@require_safe
@editors
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Show an issue as `html`, `text` or `source`; `?reader=ADDRESS` shows theirs."""
    edition, address = find(request, pk), request.GET.get("reader", "").strip()
    if address:
        must(request, Right.READERS, edition.newsletter.publication_id)
    try:
        octets = addressing.sample(edition, address)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    else:
        response = _shown(octets, kind)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _shown(octets: bytes, kind: str) -> HttpResponse:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    if kind == "source":
        return HttpResponse(octets, content_type="text/plain; charset=utf-8")
    wanted = {"html": "html", "text": "plain"}.get(kind)
    part = message.get_body((wanted,)) if wanted else None
    if part is None:
        raise Http404
    return HttpResponse(part.get_content(), content_type=f"text/{wanted}; charset=utf-8")
