"""Why a connection to a relay cannot be used any longer."""

from digest.relays.transports.base import Reply


class BrokenConversationError(Exception):
    """The connection cannot be used any longer; `reply` is the relay's last word, if it has one."""

    def __init__(self, problem: str, reply: Reply | None = None) -> None:
        super().__init__(problem)
        self.reply = reply


class SentAwayError(BrokenConversationError):
    """The relay asks us to leave, and not only because this connection has served its time."""
