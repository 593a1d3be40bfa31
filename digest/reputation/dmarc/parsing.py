"""Parses the XML of a report, in the formats of RFC 7489 (Appendix C) and RFC 9990 (Appendix A).

Elements are known by their local names: reports come with the namespace of RFC 9990, with that of
the first drafts, and without one. Unknown elements and extensions are passed over, and a record
that makes no sense is left out, as is what it says of itself beyond the limits below. Documents
with a DTD are refused: a report has none. Pure; used in a child process (digest.core.isolation).
"""

import io
from collections import Counter
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import Any

from lxml import etree

from digest.reputation.errors import ReputationError

LONGEST = 255  # characters of a text
MOST_ROWS = 1_000  # of a report, the largest
MOST_MAILS = 1_000_000_000  # of a row
FIRST, LAST = 946_684_800, 4_102_444_800  # 2000 and 2100, seconds since 1970
LONGEST_PERIOD = 32 * 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """Mails from one address that were treated alike."""

    ip: str
    disposition: str  # none, quarantine, reject; pass in RFC 9990
    dkim: str  # pass or fail: aligned with the From header
    spf: str
    header_from: str
    dkim_domain: str  # of a signature that is valid, else of one that is not
    spf_domain: str
    override: str  # why the receiver did not follow the policy


@dataclass(frozen=True, slots=True)
class Report:
    """What a receiver says of the mail that named one domain."""

    organization: str
    report_id: str
    domain: str  # whose policy was applied
    policy: str  # none, quarantine, reject
    begin: int  # seconds since 1970, UTC
    end: int
    rows: list[tuple[Row, int]] = field(default_factory=list)  # with how many mails, largest first
    left_out: int = 0  # mails of rows beyond MOST_ROWS

    def as_json(self) -> dict[str, Any]:
        """Return it in plain values."""
        return asdict(self)


def parse(xml: bytes) -> Report:
    """Return a report; raise ReputationError for what is none."""
    head: dict[str, str] = {}
    rows: Counter[Row] = Counter()
    try:
        for element in _elements(xml):
            name = _local(element)
            if name in {"report_metadata", "policy_published"}:
                head |= {f"{name}/{key}": text for key, text in _texts(element).items()}
            elif name == "record":
                if counted := _row(element):
                    rows[counted[0]] += counted[1]
                element.clear()
                while element.getprevious() is not None:  # or the tree grows with each record
                    del element.getparent()[0]
    except etree.XMLSyntaxError as problem:
        raise ReputationError(f"This is not a DMARC report: {problem.msg}.") from problem
    return _report(head, rows)


# What the parser does not do for strangers: expand entities, fetch anything, or grow without end.
_HARMLESS: dict[str, Any] = {"resolve_entities": False, "load_dtd": False}
_HARMLESS |= {"no_network": True, "huge_tree": False}


def _elements(xml: bytes) -> Any:
    context = etree.iterparse(
        io.BytesIO(xml), events=("start", "end"), remove_comments=True, remove_pis=True, **_HARMLESS
    )
    is_first = True
    for event, element in context:
        if is_first:
            is_first = False
            if element.getroottree().docinfo.doctype or _local(element) != "feedback":
                raise ReputationError("This is not a DMARC report.")
        if event == "end":
            yield element


def _report(head: dict[str, str], rows: Counter[Row]) -> Report:
    begin = _moment(head.get("report_metadata/date_range/begin", ""))
    end = _moment(head.get("report_metadata/date_range/end", ""))
    domain = _lower(head.get("policy_published/domain", "")).rstrip(".")
    report_id = head.get("report_metadata/report_id", "")
    if not (domain and report_id and begin and end and 0 <= end - begin <= LONGEST_PERIOD):
        raise ReputationError("The DMARC report lacks its domain, its id or its dates.")
    largest = rows.most_common(MOST_ROWS)
    return Report(
        organization=head.get("report_metadata/org_name", "") or "unknown",
        report_id=report_id,
        domain=domain,
        policy=head.get("policy_published/p", "").lower()[:16],
        begin=begin,
        end=end,
        rows=largest,
        left_out=rows.total() - sum(number for _, number in largest),
    )


def _row(record: Any) -> tuple[Row, int] | None:
    """Return what a record counts; None where address or number make no sense."""
    texts = _texts(record)
    try:
        ip = _address(texts.get("row/source_ip", ""))
        number = int(texts.get("row/count", ""))
    except ValueError:
        return None
    if not 0 < number <= MOST_MAILS:
        return None
    evaluated = "row/policy_evaluated"
    row = Row(
        ip=ip,
        disposition=texts.get(f"{evaluated}/disposition", "").lower()[:16],
        dkim="pass" if texts.get(f"{evaluated}/dkim", "").lower() == "pass" else "fail",
        spf="pass" if texts.get(f"{evaluated}/spf", "").lower() == "pass" else "fail",
        header_from=_lower(texts.get("identifiers/header_from", "")),
        dkim_domain=_authenticated(record, "dkim"),
        spf_domain=_authenticated(record, "spf"),
        override=texts.get(f"{evaluated}/reason/type", "").lower()[:32],
    )
    return row, number


def _address(text: str) -> str:
    if "%" in text:  # a zone (RFC 4007) means something on its own host alone
        raise ValueError(text)
    return str(ip_address(text))


def _authenticated(record: Any, kind: str) -> str:
    """Return the domain of the first result that passed, else of the first."""
    domains = {"pass": "", "": ""}
    for element in record.iter():
        if _local(element) != kind or _local(element.getparent()) != "auth_results":
            continue
        texts = _texts(element)
        result = "pass" if texts.get("result", "").lower() == "pass" else ""
        domains[result] = domains[result] or _lower(texts.get("domain", ""))
    return domains["pass"] or domains[""]


def _texts(element: Any) -> dict[str, str]:
    """Return the texts below an element by their paths of local names; the first of each."""
    texts: dict[str, str] = {}
    for child in element.iterdescendants():
        if len(child) or not isinstance(child.tag, str):
            continue
        path = _local(child)
        for parent in child.iterancestors():
            if parent is element:
                break
            path = f"{_local(parent)}/{path}"
        texts.setdefault(path, " ".join((child.text or "").split())[:LONGEST])
    return texts


def _lower(text: str) -> str:
    """Return a text in lower case, which may be longer (`İ`), within LONGEST."""
    return text.lower()[:LONGEST]


def _moment(text: str) -> int:
    """Return seconds since 1970; 0 for anything that is not such a number."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0
    return number if FIRST < number < LAST else 0


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
