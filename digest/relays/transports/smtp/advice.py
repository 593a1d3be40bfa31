"""What to do about a relay that cannot be reached or refuses us, by the cause."""

import smtplib
import socket
import ssl

_ADVICE: tuple[tuple[type[BaseException], str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        (
            "Check the user and the password. Many mail servers require an app password or an "
            "API key here, not the password that you sign in with."
        ),
    ),
    (
        smtplib.SMTPNotSupportedError,
        (
            "The mail server does not offer this encryption, or this way to log in, on this port. "
            "Try TLS with port 465, or STARTTLS with port 587."
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        "Use the host name on the mail server's certificate, as its provider writes it.",
    ),
    (
        ssl.SSLError,
        "Port 465 usually expects TLS, ports 587 and 25 STARTTLS: choose the one that fits.",
    ),
    (UnicodeError, "This is not the name of a host. Check the spelling."),
    (socket.gaierror, "No host has this name, or DNS does not answer. Check the spelling."),
    (
        TimeoutError,
        "Nothing answers at this address. Many hosting providers block port 25: try 587 or 465.",
    ),
    (ConnectionRefusedError, "Nothing listens on this port of this host. Check both."),
    (
        smtplib.SMTPServerDisconnected,
        "It closed the connection. A port that expects TLS does so without it: try TLS.",
    ),
)


def advice_for(cause: BaseException) -> str:
    """Return what to do about the cause of a failed connection; empty if nothing is known."""
    return next((advice for kind, advice in _ADVICE if isinstance(cause, kind)), "")
