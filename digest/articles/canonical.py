"""The one form in which links are compared. Pure: a link in, its form out.

It is an identity, not an address: nobody follows it. Whatever leads to the same page with any
server that we know of is taken off; whatever may lead to another page stays.
"""

import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

import idna

from digest.core.text import LONGEST_URL

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(
    r"(?:utm_\w+|at_(?:medium|campaign|custom\d|link_\w+|bbc_\w+|format|ptr_name)|ns_(?:mchannel|source|campaign|linkname|fee)|"
    r"pk_\w+|piwik_\w+|mtm_\w+|matomo_\w+|hsa_\w+|_hs\w+|mc_[ce]id|ml_subscriber\w*|fb(?:clid|_\w+)|gclid|gclsrc|dclid|gad_\w+|"
    r"gbraid|wbraid|srsltid|_g[al]|msclkid|yclid|ymclid|twclid|ttclid|li_fat_id|epik|igshid|igsh|mkt_tok|oly_\w+_id|vero_\w+|"
    r"wt_(?:mc|zmc)|wprss|rss|cmp|cmpid|icid|ncid|smid|xtor|spm|ftag|guccounter|guce_\w+|s_cid|s_kwcid|sr_share|share_?id|"
    r"ref_?src|feedtype|trk_\w+|sc_(?:campaign|channel|content|medium|outcome|geo|country)|amp)",
    re.IGNORECASE,
)
# These names say where somebody came from, if the value is such a place; else they may be anything.
_ORIGIN = re.compile(r"(?:ref|source|src|from|via|medium|partner)", re.IGNORECASE)
_ORIGINS = re.compile(
    r"(?:rss|rss2|rss20|feed|feeds|atom|newsletter|e?mail|twitter|facebook|linkedin|google)(?:[-_]?feed)?",
    re.IGNORECASE,
)
_SESSION = re.compile(
    r"(?:jsessionid|phpsessid|aspsessionid\w*|asp\.net_sessionid|cfid|cftoken|cfsessionid|oscsid|"
    r"zenid|xtcsid|sess(?:ion)?_?id|sess(?:ion)?_?key|sessiontoken)",
    re.IGNORECASE,
)
# A session with some software, a story or a talk with other: only a token is taken off.
_PERHAPS_SESSION = re.compile(r"(?:sid|session|sess)", re.IGNORECASE)
_TOKEN = re.compile(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])[0-9a-z,_-]{8,}", re.IGNORECASE)
_PATH_SESSION = re.compile(
    r";(?:jsessionid|phpsessid|sid|sessionid)=[^/;]*|/\([A-Z]\([0-9a-z]{16,}\)\)", re.IGNORECASE
)
_INDEX = re.compile(r"/(?:index|default)\.(?:s?html?|php\d?|aspx?|jsp|cfm)\Z", re.IGNORECASE)
_PAGE_ENDING = re.compile(r"(?<=[^/])\.(?:s?html?|xhtml)\Z", re.IGNORECASE)
_UNRESERVED = "-._~!$'()*,;:@+&="  # of a path's segment (RFC 3986 §3.3); a query allows / and ? too


def canonical(url: str) -> str:
    """Return the form of a link under which it is compared, or "" if it cannot be an identity.

    Scheme and host in lower case, host in A-labels (RFC 5891), percent-encoding by RFC 3986 §6.2.2
    in NFC; default port, fragment, user name, doubled, final and dotted parts of the path, `.html`,
    `index.html`, session tokens and tracking parameters off; parameters by their names. http and
    https are one article, so is a host with and without "www.".
    """
    if len(url) > 3 * LONGEST_URL:  # even if all of it were percent-encoded
        return ""
    try:
        parts = urlsplit(url.strip())
        host, port = _host(parts.hostname or ""), parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in _DEFAULT_PORTS or not host:
        return ""
    place = host if port in {None, *_DEFAULT_PORTS.values()} else f"{host}:{port}"
    link = urlunsplit(("https", place, _path(parts.path), _query(parts.query), ""))
    is_usable = len(link) <= LONGEST_URL and link.isprintable() and " " not in link
    return link if is_usable else ""


def is_front_page(link: str) -> bool:
    """Say whether a canonical link is a site's front page, which identifies nothing."""
    parts = urlsplit(link)
    return parts.path in {"", "/"} and not parts.query


def _host(host: str) -> str:
    host = host.lower().rstrip(".").removeprefix("www.")
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def _path(path: str) -> str:
    """Return a path without sessions, dots, doubled slashes, and what only names its format."""
    path = _encoded(path, "/")
    while (bare := _PATH_SESSION.sub("", path)) != path:
        path = bare
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in {"", "."}:
            segments.append(segment)
    path = "/" + "/".join(segments)
    while (bare := _PAGE_ENDING.sub("", _INDEX.sub("/", path)).rstrip("/") or "/") != path:
        path = bare
    return path


def _query(query: str) -> str:
    """Return what of a query identifies, by names; equal names keep their order."""
    parameters = [part for part in query.split("&") if part and not _is_noise(part)]
    encoded = [_encoded(part.replace("+", "%20"), "/?").replace("%20", "+") for part in parameters]
    return "&".join(sorted(filter(None, encoded), key=lambda part: part.partition("=")[0]))


def _encoded(text: str, delimiters: str) -> str:
    """Encode once what has to be, decode what need not be; a `%2F` stays apart from a slash."""
    pieces = re.split(r"(%(?:2[Ff35]|3[Ff]|26|3[Dd]|2[Bb]))", text)
    return "".join(
        piece.upper() if n % 2 else quote(_plain(piece), safe=_UNRESERVED + delimiters)
        for n, piece in enumerate(pieces)
    )


def _plain(piece: str) -> str:
    """Decode a piece to text in NFC; bytes that are not UTF-8 are taken as Latin-1."""
    raw = unquote_to_bytes(piece.encode("utf-8", "surrogatepass"))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return unicodedata.normalize("NFC", text)


def _is_noise(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    if _TRACKING.fullmatch(name) or _SESSION.fullmatch(name):
        return True
    if _ORIGIN.fullmatch(name):
        return bool(_ORIGINS.fullmatch(value))
    return bool(_PERHAPS_SESSION.fullmatch(name) and _TOKEN.fullmatch(value))
