"""Reads replies from a non-blocking socket, as they arrive."""

import socket
import ssl

from digest.relays.transports.smtp import wire
from digest.relays.transports.smtp.errors import BrokenConversationError

READ_OCTETS = 65_536


class ReplyStream:
    """The replies of a relay; a part of one waits for the rest of it."""

    def __init__(self, connection: socket.socket) -> None:
        self.problem = ""  # why nothing more can be read: what came behind the replies is not SMTP
        self._socket = connection
        self._replies = wire.Replies()

    @property
    def is_between_replies(self) -> bool:
        """No part of an incomplete reply is waiting."""
        return self._replies.empty

    def read(self) -> list[tuple[int, bytes]]:
        """Return code and text of the replies that are complete now; none if nothing arrived.

        Raises BrokenConversationError for a closed connection. Where something that is not SMTP
        follows the replies, they count all the same, and `problem` says what it is.
        """
        octets = self._receive()
        try:
            return self._replies.feed(octets) if octets else []
        except wire.NotSmtpError as cause:
            self.problem = str(cause)
            return cause.replies

    def _receive(self) -> bytes:
        """Return the octets that have arrived; nothing if there are none after all."""
        try:
            octets = self._socket.recv(READ_OCTETS)
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                octets += self._socket.recv(READ_OCTETS)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except OSError as cause:
            raise BrokenConversationError(str(cause)) from cause
        if not octets:
            raise BrokenConversationError("the relay closed the connection")
        return octets
