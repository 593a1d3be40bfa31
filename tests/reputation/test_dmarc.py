"""DMARC reports: read in every form, bounded, stored once, shown by source."""

import gzip
import io
import json
import re
import zipfile
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from digest.bounces import reports
from digest.bounces.models import Bounce
from digest.bounces.reports import Outcome
from digest.core import clock, links
from digest.inbound import commands
from digest.inbound.reading import read
from digest.relays import registry
from digest.relays.registry import RelayOptions
from digest.reputation.dmarc import domains, hosts, receiving, sources, storing
from digest.reputation.dmarc.message import attachments, looks_like_report
from digest.reputation.dmarc.parsing import MOST_ROWS, parse
from digest.reputation.dmarc.unpacking import unpack
from digest.reputation.errors import ReputationError
from digest.reputation.models import DmarcReport, DmarcRow, SendingHost
from tests.bounces import shapes
from tests.bounces.factories import make_sent
from tests.cast import NOON, make_newsletter, make_subscriber
from tests.cast.accounts import make_superuser
from tests.doctor.levels import Zone

BEGIN = int((NOON - timedelta(days=1)).timestamp())
RECORD = """<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated>
<disposition>{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row>
<identifiers><header_from>courier.example</header_from></identifiers><auth_results>
<dkim><domain>other.example</domain><result>fail</result></dkim>
<dkim><domain>courier.example</domain><selector>a</selector><result>pass</result></dkim>
<spf><domain>bounce.courier.example</domain><result>pass</result></spf></auth_results></record>"""


def record(ip: str = "192.0.2.1", count: object = 7, dkim: str = "pass", spf: str = "fail") -> str:
    """Mails of one address."""
    disposition = "none" if "pass" in {dkim, spf} else "quarantine"
    return RECORD.format(ip=ip, count=count, dkim=dkim, spf=spf, disposition=disposition)


def report(*records: str, root: str = "<feedback>", report_id: str = "r1") -> bytes:
    """A report about courier.example, for the day before noon."""
    return f"""<?xml version="1.0"?>{root}<version>1.0</version><report_metadata>
    <org_name>Post &amp; Sons</org_name><email>dmarc@post.example</email>
    <report_id>{report_id}</report_id><date_range><begin>{BEGIN}</begin><end>{BEGIN + 86_399}</end>
    </date_range></report_metadata><policy_published><domain>Courier.Example</domain><p>none</p>
    </policy_published>{"".join(records)}</feedback>""".encode()


def zipped(
    xml: bytes, name: str = "post!courier.example!1!2.xml", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip archive with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, xml)
    return out.getvalue()


def mail(file: bytes, kind: str = "application/gzip") -> bytes:
    """A mail with a file, as receivers send it."""
    message = EmailMessage()
    message["From"], message["To"] = "dmarc@post.example", "dmarc@bounce.example"
    message["Subject"] = "Report Domain: courier.example Submitter: post.example Report-ID: r1"
    message.set_content("See the attached report.")
    main, sub = kind.split("/")
    message.add_attachment(file, maintype=main, subtype=sub, filename="post!courier!1!2.xml.gz")
    return bytes(message)


NAMESPACES = (
    "<feedback>",
    '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
    '<feedback xmlns="http://dmarc.org/dmarc-xml/0.1">',
)


@pytest.mark.parametrize("root", NAMESPACES)
def test_a_report_is_parsed(root: str) -> None:
    """In every namespace; equal rows are one, and the signature that passed is named."""
    parsed = parse(report(record(), record(count=3), record(ip="2001:db8::1"), root=root))
    assert (parsed.organization, parsed.domain, parsed.policy, parsed.report_id) == (
        "Post & Sons",
        "courier.example",
        "none",
        "r1",
    )
    assert [(row.ip, number) for row, number in parsed.rows] == [
        ("192.0.2.1", 10),
        ("2001:db8::1", 7),
    ]
    row = parsed.rows[0][0]
    assert (row.dkim, row.spf, row.dkim_domain) == ("pass", "fail", "courier.example")


def test_what_rfc_9990_adds_does_no_harm() -> None:
    """New elements, extensions, and the disposition `pass`."""
    added = "<extension><x:arc xmlns:x='urn:x'>never</x:arc></extension>" + record().replace(
        "<disposition>none", "<disposition>pass"
    )
    xml = report(added, root=NAMESPACES[1]).replace(
        b"<p>none</p>",
        b"<p>none</p><np>reject</np><testing>n</testing><discovery_method>treewalk"
        b"</discovery_method>",
    )
    ((row, number),) = parse(xml).rows
    assert (row.disposition, number) == ("pass", 7)


@pytest.mark.parametrize(
    "odd",
    [
        record(ip="nowhere"),
        record(count="many"),
        record(count=-1),
        record(count=10**12),
        record(ip="fe80::1%" + "x" * 200),
        "<record/>",
    ],
)
def test_a_record_without_sense_is_left_out(odd: str) -> None:
    """The others count."""
    assert [number for _, number in parse(report(odd, record())).rows] == [7]


ENTITIES = (
    '<!DOCTYPE feedback [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><feedback>'
)


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<html></html>",
        b"<feedback></feedback>",
        report(record())[:-200],
        report(record()).replace(str(BEGIN).encode(), b"0"),
        report(record(), root=ENTITIES),
        report(record(), root='<!DOCTYPE feedback SYSTEM "file:///etc/passwd"><feedback>'),
        b"<feedback>" + b"<a>" * 5_000,
    ],
)
def test_what_is_no_report_is_refused(xml: bytes) -> None:
    """With a sentence, whatever it is."""
    with pytest.raises(ReputationError):
        parse(xml)


def test_files_are_unpacked_within_limits() -> None:
    """Whatever an archive says of itself."""
    xml = report(record())
    assert unpack(gzip.compress(xml)) == unpack(zipped(xml)) == unpack(xml) == xml
    assert unpack(zipped(xml, method=zipfile.ZIP_STORED)) == xml
    bomb = b" " * 30_000_000
    for file in (
        gzip.compress(bomb),
        zipped(bomb),
        zipped(xml, "report.exe"),
        gzip.compress(xml)[:40] + b"x" * 40,
        zipped(xml)[:60],
    ):
        with pytest.raises(ReputationError):
            unpack(file)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_without_a_limit_is_refused(method: int) -> None:
    """Even for a small report: zipfile inflates all of it at once."""
    with pytest.raises(ReputationError, match="Use Deflate"):
        unpack(zipped(report(record()), method=method))


def test_mails_are_recognised() -> None:
    """By subject or file name; a bounce is not one."""
    content = mail(gzip.compress(report(record())))
    assert looks_like_report(content)
    assert not looks_like_report(b"Subject: Undelivered Mail\r\n\r\nreport domain: x")
    assert not looks_like_report(b"Subject: Undelivered\n\nSubject: Report domain: x")
    assert attachments(content) == [gzip.compress(report(record()))]


@pytest.mark.django_db
def test_reports_are_stored_once() -> None:
    """From a mail or a file; those about other domains are not."""
    make_newsletter()
    xml = report(record(), record("192.0.2.2", 90, "fail"))
    first = receiving.receive(mail(gzip.compress(xml)), NOON)
    second = receiving.receive(zipped(xml), NOON)
    foreign = receiving.receive(xml.replace(b"Courier.Example", b"else.example"), NOON)
    assert (first.stored, second.repeated, foreign.foreign) == (1, 1, 1)
    assert receiving.receive(b"PK\x03\x04 nothing", NOON).problems
    stored = DmarcReport.objects.get()
    assert (stored.organization, stored.rows.count()) == ("Post & Sons", 2)
    storing.delete_old(NOON + storing.KEEP)
    assert not DmarcRow.objects.exists()
    assert not SendingHost.objects.exists()


@pytest.mark.django_db
def test_a_text_that_grows_in_lower_case_is_cut() -> None:
    """`İ` becomes two characters; the report is stored all the same."""
    make_newsletter()
    long = "İ" * 255
    xml = report(
        record()
        .replace("<header_from>courier.example", f"<header_from>{long}")
        .replace("<domain>courier.example", f"<domain>{long}")
        .replace("<domain>bounce.courier.example", f"<domain>{long}")
    )
    assert receiving.receive(xml, NOON).stored == 1
    row = DmarcRow.objects.get()
    assert {len(text) for text in (row.header_from, row.dkim_domain, row.spf_domain)} == {255}


@pytest.mark.django_db
def test_what_the_database_refuses_is_a_problem_of_the_report() -> None:
    """The transaction around it goes on, so one mail does not stop a mailbox."""
    make_newsletter()
    values = parse(report(record())).as_json()
    values["policy"] = "x" * 17
    assert storing.store(values, NOON) == storing.Outcome.UNFIT
    assert not DmarcReport.objects.exists()


@pytest.mark.parametrize(
    ("domain", "is_related"),
    [
        ("news.post.co.uk", True),
        ("post.co.uk", True),
        ("a.news.post.co.uk", True),
        ("co.uk", False),
        ("uk", False),
        ("other.post.co.uk", False),
        ("wespost.co.uk", False),
    ],
)
def test_domains_are_related(domain: str, is_related: bool) -> None:  # noqa: FBT001
    """To news.post.co.uk: those below it, and above it up to the organization's."""
    assert domains.is_related(domain, "news.post.co.uk") == is_related


@pytest.mark.django_db
def test_a_day_holds_so_many_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """About an organization, however many of its domains they name."""
    make_newsletter()
    monkeypatch.setattr(storing, "MOST_A_DAY", 2)
    reports_about = [
        report(record()).replace(b"Courier.Example", f"{name}courier.example".encode())
        for name in ("", "a.", "b.")
    ]
    received = [receiving.receive(xml, NOON) for xml in reports_about]
    assert [row.stored for row in received] == [1, 1, 0]
    assert "Too many reports" in received[2].problems[0]
    tomorrow = NOON + timedelta(days=1)
    assert receiving.receive(reports_about[2], tomorrow).stored == 1


@pytest.mark.django_db
def test_a_day_holds_so_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of large reports leaves later ones their largest rows; the rest is a number."""
    make_newsletter()
    monkeypatch.setattr(storing, "MOST_ROWS_A_DAY", 6)
    monkeypatch.setattr(storing, "FEWEST_ROWS", 2)
    rows = [record(f"10.0.0.{number}", number) for number in (5, 4, 3, 2, 1)]
    for name in ("r1", "r2", "r3"):
        assert receiving.receive(report(*rows, report_id=name), NOON).stored == 1
    stored = DmarcReport.objects.order_by("report_id")
    assert [row.rows.count() for row in stored] == [5, 2, 2]
    assert [row.left_out for row in stored] == [0, 6, 6]
    assert set(stored[1].rows.values_list("mails", flat=True)) == {5, 4}
    receiving.receive(report(*rows, report_id="r4"), NOON + timedelta(days=2))
    assert DmarcReport.objects.get(report_id="r4").rows.count() == 5


@pytest.mark.django_db
def test_a_large_report_is_bounded() -> None:
    """Ten thousand addresses in 7 MB: the largest are stored, the rest is a number."""
    make_newsletter()
    rows = [record(f"10.0.{n // 250}.{n % 250}", n + 1, "fail") for n in range(10_000)]
    received = receiving.receive(gzip.compress(report(*rows)), NOON)
    assert received.stored == 1
    stored = DmarcReport.objects.get()
    assert stored.rows.count() == MOST_ROWS
    assert stored.left_out == sum(range(1, 10_001 - MOST_ROWS))


@pytest.mark.django_db(transaction=True)
def test_mail_to_our_address_is_taken(settings: object) -> None:
    """At dmarc@, and in a mailbox beside bounces; a copy changes nothing."""
    settings.DIGEST_BOUNCE_DOMAIN = "bounce.example"  # type: ignore[attr-defined]
    make_newsletter()
    content = mail(gzip.compress(report(record())))
    assert reports.receive(content, clock.now()) == Outcome.RECORDED
    assert reports.receive(content, clock.now()) == Outcome.UNCHANGED
    assert commands.accepts("dmarc@bounce.example").code == 250
    other = mail(gzip.compress(report(record(), report_id="r2")))
    assert commands.obey("dmarc@bounce.example", read(other, ""), other).code == 250
    assert DmarcReport.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("quoted", [True, False])
def test_a_bounce_that_resembles_a_report_is_recorded(quoted: bool) -> None:  # noqa: FBT001
    """Its subject is that of our mail, in what it returns or in its own head (Exchange)."""
    subscriber = make_subscriber(make_newsletter(), email=shapes.ADDRESS)
    token = links.bounce_token(make_sent(subscriber), subscriber)
    subject = b"Subject: Cabinet report domain names for all"
    bounce = shapes.postfix("550 5.1.1 User unknown")
    own, of_our_mail = re.findall(rb"^Subject: [^\n]+", bounce, re.MULTILINE)
    content = bounce.replace(of_our_mail if quoted else own, subject)
    content = f"Delivered-To: bounce+{token}@b.example\n".encode() + content
    assert looks_like_report(content) != quoted
    assert reports.receive(content, clock.now()) == Outcome.RECORDED
    assert Bounce.objects.get().reason == "userunknown"


@pytest.mark.parametrize(
    ("passed", "spf", "is_ours", "standing"),
    [
        (100, 100, False, "allowed"),
        (100, 2, False, "forwarding"),
        (94, 94, False, "failing"),
        (0, 0, True, "own"),
    ],
)
def test_sources_are_judged(passed: int, spf: int, is_ours: bool, standing: str) -> None:  # noqa: FBT001
    """Of a hundred mails."""
    assert sources.judge(100, passed, spf, is_ours=is_ours) == standing


@pytest.mark.parametrize(
    ("host", "organization"),
    [
        ("mail-ej1-f49.google.com", "google.com"),
        ("out1.post.co.uk", "post.co.uk"),
        ("post.example", "post.example"),
    ],
)
def test_hosts_belong_to_organizations(host: str, organization: str) -> None:
    """As far as a name shows it."""
    assert domains.organization_of(host) == organization


@pytest.mark.django_db
def test_a_name_counts_if_it_leads_back(zone: Zone) -> None:
    """A forger may give any name to an address: that of our mail server is not theirs."""
    make_newsletter()
    registry.add("main", "smtp://mail.courier.example", RelayOptions())
    zone["A mail.courier.example"] = ["192.0.2.1"]
    zone["PTR 1.2.0.192.in-addr.arpa"] = ["mail.courier.example."]
    zone["PTR 9.2.0.192.in-addr.arpa"] = ["mail.courier.example."]
    receiving.receive(report(record(), record("192.0.2.9", 90, "fail")), NOON)
    assert hosts.look_up_recent(NOON) == 2
    assert list(SendingHost.objects.order_by("ip").values_list("ip", "name", "is_ours")) == [
        ("192.0.2.1", "mail.courier.example", True),
        ("192.0.2.9", "", False),
    ]


@pytest.mark.django_db
def test_the_page_shows_who_sends(client: Client, zone: Zone) -> None:
    """Hosts of one organization together, with what to do; names come from DNS."""
    make_newsletter()
    zone["PTR 1.2.0.192.in-addr.arpa"] = ["a.post.example."]
    zone["PTR 2.2.0.192.in-addr.arpa"] = ["b.post.example."]
    zone["A a.post.example"], zone["A b.post.example"] = ["192.0.2.1"], ["192.0.2.2"]
    rows = (record(), record("192.0.2.2", 5, "pass", "pass"), record("192.0.2.9", 90, "fail"))
    receiving.receive(report(*rows), clock.now())
    assert hosts.look_up_recent(clock.now()) == 3
    assert hosts.look_up_recent(clock.now()) == 0
    first, second = sources.sources_of(["courier.example"], clock.now(), 30)
    assert (first.name, first.standing, first.mails, first.stopped) == (
        "192.0.2.9",
        "failing",
        90,
        90,
    )
    assert (second.name, second.mails, second.passed, second.spf) == ("post.example", 12, 12, 5)
    assert SendingHost.objects.get(ip="192.0.2.1").name == "a.post.example"
    client.force_login(make_superuser())
    page = client.get("/admin/deliverability/dmarc/").content.decode()
    assert "post.example" in page
    assert "If this is a service of yours" in page
    assert "Post &amp; Sons" in page


@pytest.mark.django_db
def test_the_command_imports_and_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several files at once; what cannot be read is named."""
    make_newsletter()
    good, bad = tmp_path / "a.xml", tmp_path / "b.zip"
    good.write_bytes(report(record()))
    bad.write_bytes(b"PK\x03\x04 nothing")
    call_command("dmarc", "import", str(good), str(bad), "--json")
    values = json.loads(capsys.readouterr().out)
    assert (values["stored"], len(values["problems"])) == (1, 1)
    call_command("dmarc", "list", "--json", "--days", "3650")
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["source"], row["standing"], row["mails"]) == ("192.0.2.1", "forwarding", 7)
