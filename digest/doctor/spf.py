"""Checks an SPF record as receivers read it (RFC 7208). Pure: the caller fetches other records."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network

MAX_LOOKUPS = 10  # RFC 7208 §4.6.4: with more, receivers reject the record

_VERSION = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)
_TERM = re.compile(
    r"[+?~-]?(?:(?P<all>all)|(?P<lookup>(?:a|mx|ptr)(?:[:/]\S+)?|exists:\S+)|include:(?P<include>\S+)"
    r"|ip4:(?P<ip4>\S+)|ip6:(?P<ip6>\S+))|redirect=(?P<redirect>\S+)|[a-z][a-z0-9_.-]*=\S*",
    re.IGNORECASE,
)

Fetch = Callable[[str], list[str]]  # the TXT records of a domain, or none


class SpfError(Exception):
    """Receivers reject the record; the message says why."""


def spf_records(records: list[str]) -> list[str]:
    """Return those of a domain's TXT records that are SPF records."""
    return [record for record in records if _VERSION.match(record)]


def count_lookups(record: str, fetch: Fetch, path: tuple[str, ...] = ()) -> int:
    """Return how many DNS lookups a record needs, with those of the records that it includes.

    `path` are the domains on the way to it. Raises SpfError.
    """
    terms = [_parse_term(term) for term in record.split()[1:]]
    has_all = any(term["all"] for term in terms)
    lookups = 0
    for term in terms:
        redirect = None if has_all else term["redirect"]  # RFC 7208 §6.1
        domain = term["include"] or redirect
        lookups += bool(domain or term["lookup"])
        if domain and "%" not in domain:  # a macro depends on the mail
            lookups += _count_included(domain.lower(), fetch, path)
        if lookups > MAX_LOOKUPS:
            raise SpfError(f"it needs more than {MAX_LOOKUPS} DNS lookups")
    return lookups


def _count_included(domain: str, fetch: Fetch, path: tuple[str, ...]) -> int:
    if domain in path:
        raise SpfError(f"it includes {domain} in a circle")
    records = spf_records(fetch(domain))
    if len(records) != 1:
        raise SpfError(f"it includes {domain}, which has {len(records) or 'no'} SPF records")
    return count_lookups(records[0], fetch, (*path, domain))


def _parse_term(text: str) -> re.Match[str]:
    term = _TERM.fullmatch(text)
    try:
        if term and term["ip4"]:
            IPv4Network(term["ip4"], strict=False)
        if term and term["ip6"]:
            IPv6Network(term["ip6"], strict=False)
    except ValueError:
        term = None
    if term is None:
        raise SpfError(f"“{text}” in it is not valid")
    return term
