"""Does the relay take our mail? For `digest doctor`: greets, secures, logs in, and says goodbye."""

import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.conf import settings

from digest.cli.checks import LOOPBACK, Finding, fail, ok, warn

PATIENCE = 8.0  # seconds for each answer


def relay(_now: datetime) -> Iterator[Finding]:
    """The relay can be reached, offers TLS, and lets us in; no mail is handed over."""
    if not settings.DIGEST_SMTP_URL:
        yield fail("No relay is set.", "Set DIGEST_SMTP_URL, as in smtp://user:pass@host:587.")
        return
    parts = urlsplit(settings.DIGEST_SMTP_URL)
    try:
        place = f"{parts.hostname}:{parts.port or _usual_port(parts)}"
    except ValueError:
        place = ""
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or not place:
        yield fail("DIGEST_SMTP_URL is no smtp:// or smtps:// address.", "Mend it.")
        return
    try:
        yield from _talk(parts, place)
    except ssl.SSLError as problem:
        yield fail(
            f"The relay {place} is not who it says: {problem.reason or problem}",
            "Use the name in its certificate, or have the certificate renewed.",
        )
    except smtplib.SMTPAuthenticationError as problem:
        yield fail(f"The relay {place} refuses our login: {problem}", "Mend DIGEST_SMTP_URL.")
    except (OSError, smtplib.SMTPException) as problem:
        yield fail(f"The relay {place} cannot be used: {problem}", "Mend DIGEST_SMTP_URL.")


def _talk(parts: SplitResult, place: str) -> Iterator[Finding]:
    context = ssl.create_default_context()
    with _connect(parts, context) as session:
        session.ehlo()
        wanted = parse_qs(parts.query).get("starttls", [""])[0] != "never"
        if parts.scheme == "smtp" and wanted and session.has_extn("starttls"):
            session.starttls(context=context)
            session.ehlo()
        secured = isinstance(session.sock, ssl.SSLSocket)
        yield ok(f"The relay {place} answers{', with TLS' if secured else ''}.")
        if not secured and parts.hostname not in LOOPBACK:
            yield warn(
                f"Mail travels to {place} without TLS.",
                "Use smtps://, or a port where the relay offers STARTTLS.",
            )
        if parts.username:
            yield _log_in(session, parts, place)


def _connect(parts: SplitResult, context: ssl.SSLContext) -> smtplib.SMTP:
    host, port = parts.hostname or "", parts.port or _usual_port(parts)
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context)
    return smtplib.SMTP(host, port, timeout=PATIENCE)


def _log_in(session: smtplib.SMTP, parts: SplitResult, place: str) -> Finding:
    if not session.has_extn("auth"):
        return fail(
            f"The relay {place} offers no login, but DIGEST_SMTP_URL names a user.",
            "Use the port for submission (587 or 465), or leave out user and password.",
        )
    session.login(unquote(parts.username or ""), unquote(parts.password or ""))
    return ok("The relay lets us in.")


def _usual_port(parts: SplitResult) -> int:
    return 465 if parts.scheme == "smtps" else 25
