"""Which domains belong together, as far as their names show it. Pure."""

_SECOND_LEVEL = {"ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"}


def organization_of(host: str) -> str:
    """Return the domain that an organization has registered."""
    labels = host.split(".")
    is_deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if is_deep else labels[-2:])


def is_related(domain: str, sender: str) -> bool:
    """Return whether a policy of `domain` concerns mail from `sender`, or the other way round.

    Above a sender's domain, policies count up to that of its organization: `com` is nobody's.
    """
    is_above = is_within(sender, domain) and is_within(domain, organization_of(sender))
    return is_above or is_within(domain, sender)


def is_within(domain: str, parent: str) -> bool:
    """Return whether a domain is `parent` or below it."""
    return f".{domain}".endswith(f".{parent}")
