"""A hit as it comes in: it stays in memory, and only for as long as it waits to be written."""

from datetime import datetime
from typing import NamedTuple

from digest.core.links import RowsLink


class Client(NamedTuple):
    """The program that sent a request."""

    address: str  # IP; never stored
    user_agent: str
    is_head: bool = False
    is_prefetch: bool = False  # a browser's, before anybody has clicked


class NewHit(NamedTuple):
    """One request for a tracked link or a pixel."""

    at: datetime  # aware
    kind: int  # HitKind
    issue_id: int
    link_id: int  # 0: an open
    clicker: RowsLink | None  # issue and subscriber, if the mail's links name one
    client: Client
    variant: int | None = None  # of an experiment, in mails that name nobody
