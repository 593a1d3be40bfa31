"""Whether one-click unsubscribe works from outside (RFC 8058): Gmail and Yahoo require it.

It is tried as a mailbox provider does it: a POST to the address of a mail that belongs to nobody,
without cookies. Nothing changes.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from digest.core import links
from digest.core.findings import Finding, ok, warn
from digest.core.http.calling import call
from digest.core.http.errors import FetchError, RefusedError
from digest.doctor.senders import is_reserved
from digest.newsletters.models import Newsletter

_BODY = b"List-Unsubscribe=One-Click"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}


def check_one_click(newsletter: Newsletter | None = None) -> Iterator[Finding]:
    """The address in List-Unsubscribe takes a POST, over https, without a login or a redirect.

    It is tried with the address of a newsletter; None: of the first.
    """
    newsletter = newsletter or Newsletter.objects.order_by("pk").first()
    parts = urlsplit(settings.DIGEST_BASE_URL)
    host = parts.hostname or ""
    if newsletter is None or is_reserved(host):
        return
    if parts.scheme != "https" or "." not in host:
        yield warn(
            f"One-click unsubscribe does not work: links lead to {settings.DIGEST_BASE_URL}.",
            "Gmail and Yahoo require it of bulk mail. Set DIGEST_BASE_URL to a public https "
            "address.",
        )
        return
    url, _ = links.ways_out(links.NOBODY, newsletter)
    try:
        call(url, headers=_HEADERS, body=_BODY)
    except RefusedError:
        yield warn(
            f"{host} leads to a private address here, so one-click unsubscribe cannot be tried.",
            f"Try it from outside: curl -d List-Unsubscribe=One-Click {url}",
        )
    except FetchError as problem:
        yield warn(
            f"One-click unsubscribe does not work: {problem}",
            "Mailbox providers post there without a cookie. Let the proxy in front of Digest pass "
            "POST to /unsubscribe/ without a login, a redirect or a captcha.",
        )
    else:
        yield ok(f"One-click unsubscribe at {host} takes what mailbox providers post (RFC 8058).")
