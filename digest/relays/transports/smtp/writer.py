"""The octets that leave over one connection, and how many of them the kernel has. Never blocks.

What happens to a message whose connection breaks depends on its last octet: before the kernel has
that, no relay can have the whole message; afterwards nobody knows. TLS hides this octet: one call
may hand over a part of its records and still report nothing. So a call gets one record (RFC 8446
§5.1), which a relay can read whole or not at all, and is repeated with the same octets (OpenSSL's
SSL_write(3)).
"""

import socket
import ssl

RECORD_OCTETS = 16_384


class Writer:
    """Sends over a socket that does not block. Raises OSError where the connection is broken."""

    def __init__(self, connection: socket.socket) -> None:
        self.queued = 0  # octets that were given to `send`, since the connection was opened
        self.accepted = 0  # of them, those that the kernel has, or may have
        self._socket = connection
        self._tls = isinstance(connection, ssl.SSLSocket)
        self._waiting = memoryview(b"")
        self._record = 0  # octets of the record that has to be repeated, over TLS

    @property
    def is_blocked(self) -> bool:
        """Whether octets wait until the socket accepts more."""
        return bool(self._waiting)

    def send(self, octets: bytes, following: bytes = b"") -> None:
        """Send octets and what follows them, and keep what the socket does not accept."""
        length = len(octets) + len(following)
        self.queued += length
        if not (self._waiting or self._tls):
            # Vectored: a message of 28 KB is not copied to put the next envelope behind it.
            try:
                sent = self._socket.sendmsg((octets, following))
            except BlockingIOError:
                sent = 0
            self.accepted += sent
            if sent == length:
                return
            octets, following = (octets + following)[sent:], b""
        self._waiting = memoryview(b"".join((self._waiting, octets, following)))
        self.send_waiting()

    def send_waiting(self) -> None:
        """Send what the socket did not accept before."""
        send = self._send_record if self._tls else self._send_plain
        while self._waiting and (sent := send()):
            self._waiting = self._waiting[sent:]
            self.accepted += sent

    def _send_plain(self) -> int:
        try:
            return self._socket.send(self._waiting)
        except BlockingIOError:
            return 0

    def _send_record(self) -> int:
        record = self._waiting[: self._record or RECORD_OCTETS]
        try:
            sent = self._socket.send(record)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            self._record = len(record)
            return 0
        except OSError:
            self.accepted += len(record)  # perhaps: it may have broken behind the record
            raise
        self._record = 0
        return sent
