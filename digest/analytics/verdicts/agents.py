"""Classes of user agents, as hits keep them, and which of them are machines."""

from enum import StrEnum


class Agent(StrEnum):
    """The class of a user agent."""

    BROWSER = "browser"
    PHONE = "phone"
    MAIL = "mail app"
    IMAGE_PROXY = "image proxy"  # of Gmail, Yahoo; Apple's says "Mozilla/5.0" and no more
    BOT = "bot"
    LIBRARY = "library"  # of HTTP: curl, python-requests
    HEADLESS = "headless"
    PREFETCH = "prefetch"  # Purpose and Sec-Purpose headers
    HEAD = "head"  # the request's method
    EMPTY = "empty"


# An empty class is that of a hit without a user agent, too.
MACHINES = frozenset(
    ["", Agent.BOT, Agent.LIBRARY, Agent.HEADLESS, Agent.PREFETCH, Agent.HEAD, Agent.EMPTY]
)
