"""Lists of subscribers, as other systems export them, come in whole and harmless."""

import csv
import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.subscribers import importing
from digest.subscribers.consent import subscribe
from digest.subscribers.errors import ImportFileError, SubscriberError
from digest.subscribers.exporting import escape_formula, export_csv, unescape_formula
from digest.subscribers.importing import Report, import_csv
from digest.subscribers.importing.files import unpacked
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from digest.subscribers.suppression import suppress
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db

CONSENT = "Ticked the box on courier.example in May 2026."


def take(folder: Path, content: str | bytes, newsletter: Newsletter, **more: Any) -> Report:
    """Import a file with this content."""
    path = folder / "subscribers.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    options: dict[str, Any] = {"consent": CONSENT, "now": NOON}
    return import_csv(path, newsletter, **options | more)


def subscribers() -> dict[str, str]:
    """Every subscriber's name by address."""
    return dict(Subscriber.objects.values_list("email", "name"))


def counts(report: Report) -> tuple[int, int, int, int]:
    """Rows, added, unchanged, refused."""
    return report.rows, report.added, report.unchanged, report.refused


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "content",
    [
        "email,name\na@r.example,Zoë\nb@r.example,\n",
        "email;name\r\na@r.example;Zoë\r\nb@r.example;\r\n",
        "email\tname\na@r.example\tZoë\nb@r.example",
        "email,name\ra@r.example,Zoë\rb@r.example,\r",
        "\nE-Mail,Name\n\na@r.example,Zoë\n,\nb@r.example\n",
        '"Correo electrónico","Nombre","Apellidos"\n"a@r.example","Zoë",""\nb@r.example,,\n',
        "Vorname;Nachname;E-Mail-Adresse\nZoë;;a@r.example\n;;b@r.example\n",
        "name,address,email\nZoë,1 Quay Street,a@r.example\n,,b@r.example\n",
        "kontakt,Prénom\na@r.example,Zoë\nb@r.example,\n",
    ],
)
def test_lists_are_understood_as_they_come(
    tmp_path: Path, newsletter: Newsletter, content: str, encoding: str
) -> None:
    """Encoding, delimiter, line ends, header and column order are found out."""
    assert counts(take(tmp_path, content.encode(encoding), newsletter)) == (2, 2, 0, 0)
    assert subscribers() == {"a@r.example": "Zoë", "b@r.example": ""}


def test_a_list_without_header_loses_no_row(tmp_path: Path, newsletter: Newsletter) -> None:
    """One column of addresses is enough, the first row is a subscriber, even a mistyped one."""
    report = take(tmp_path, "a@r.example\nb@r.example\n", newsletter)
    assert counts(report) == (2, 2, 0, 0)
    report = take(tmp_path, "c@@r.example\nb@r.example\n", newsletter)
    assert counts(report) == (2, 0, 1, 1)


def test_columns_can_be_named_explicitly(tmp_path: Path, newsletter: Newsletter) -> None:
    """By heading or by number; a wrong name is said with the right ones."""
    content = "kontakt,wer\na@r.example,Zoë\n"
    take(tmp_path, content, newsletter, mapping={"email": "Kontakt", "name": "2"})
    assert subscribers() == {"a@r.example": "Zoë"}
    with pytest.raises(ImportFileError, match="kontakt, wer"):
        take(tmp_path, content, newsletter, mapping={"email": "mail"})
    with pytest.raises(ImportFileError, match="not a field"):
        take(tmp_path, content, newsletter, mapping={"mail": "1"})


def test_each_refused_row_is_named_with_its_line_and_reason(
    tmp_path: Path, newsletter: Newsletter
) -> None:
    """Sound rows around a bad one are taken."""
    unsubscribed, subscribed = make_subscriber(newsletter), make_subscriber(newsletter)
    Subscription.objects.filter(subscriber=unsubscribed).update(state="unsubscribed")
    suppress("s@r.example", reason="complaint", now=NOON)
    lines = [
        "email,name",
        "a@r.example,A",
        "nonsense,N",
        "A@R.example,again",
        "n\0ul@r.example,N",
        f"{'x' * 30_000}@r.example,L",
        "s@r.example,S",
        unsubscribed.email,
        subscribed.email,
        ",nobody",
        '"open@r.example,O',
        "=b@r.example,B",
        "last@r.example,Z",
    ]
    report = take(tmp_path, "\n".join(lines), newsletter)
    assert counts(report) == (12, 3, 1, 8)
    reasons = {refusal.line: refusal.reason for refusal in report.refusals}
    assert list(reasons) == [3, 4, 5, 6, 7, 8, 10, 11]
    for line, reason in {
        3: "not a valid email address",
        4: "same address as in line 2",
        5: "NUL",
        6: "longer",
        7: "suppressed: complaint",
        8: "has unsubscribed",
        10: "no address",
        11: "quotation mark",
    }.items():
        assert reason in reasons[line]


def test_a_cell_may_run_over_lines(tmp_path: Path, newsletter: Newsletter) -> None:
    """Line numbers stay those of the file."""
    content = 'email,name\na@r.example,"Zoë\nMarsh ""the seal"""\nnonsense,x\n'
    report = take(tmp_path, content, newsletter)
    assert subscribers() == {"a@r.example": 'Zoë Marsh "the seal"'}
    assert [refusal.line for refusal in report.refusals] == [4]


def test_an_unclosed_quote_costs_its_own_row_only(tmp_path: Path, newsletter: Newsletter) -> None:
    """The rows after it, be there few or many, are subscribers like any other."""
    many = "".join(f"r{number}@r.example,x\n" for number in range(100))
    report = take(tmp_path, f'email,name\na@r.example,"Zoë\n{many}', newsletter)
    assert counts(report) == (101, 100, 0, 1)


def test_a_second_run_changes_nothing(tmp_path: Path, newsletter: Newsletter) -> None:
    """Neither rows, nor names, nor consent events."""
    content = "email,name\na@r.example,A\nb@r.example,B\n"
    assert counts(take(tmp_path, content, newsletter)) == (2, 2, 0, 0)
    changed = content.replace(",A", ",Other")
    assert counts(take(tmp_path, changed, newsletter)) == (2, 0, 2, 0)
    assert subscribers() == {"a@r.example": "A", "b@r.example": "B"}
    assert (
        list(ConsentEvent.objects.values_list("action", "wording", "via"))
        == [("imported", CONSENT, "import")] * 2
    )


def test_an_import_settles_a_pending_subscriber(tmp_path: Path, newsletter: Newsletter) -> None:
    """The publisher's evidence stands for the confirmation."""
    address = addresses.parse("a@r.example")
    subscribe(address, newsletter, via="page", confirmed=False, wording="", now=NOON)
    assert counts(take(tmp_path, "a@r.example\n", newsletter)) == (1, 1, 0, 0)
    assert Subscription.objects.get().state == "active"


def test_no_import_without_a_statement_of_consent(tmp_path: Path, newsletter: Newsletter) -> None:
    """Blanks are not a statement."""
    with pytest.raises(SubscriberError, match="consented"):
        take(tmp_path, "a@r.example\n", newsletter, consent="  ")
    assert subscribers() == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"name,town\nInes,Saltmarsh\n", "No column"),
        (b"PK\x03\x04rest", "spreadsheet"),
    ],
)
def test_what_is_no_list_is_refused_whole(
    tmp_path: Path, newsletter: Newsletter, content: bytes, message: str
) -> None:
    """The message says what the file is, and nothing is stored."""
    with pytest.raises(ImportFileError, match=message):
        take(tmp_path, content, newsletter)
    assert subscribers() == {}


def test_missing_files_and_folders_are_refused(tmp_path: Path, newsletter: Newsletter) -> None:
    """In the system's own words."""
    for path, message in [(tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file")]:
        with pytest.raises(ImportFileError, match=message):
            import_csv(path, newsletter, consent=CONSENT, now=NOON)


def test_a_header_alone_brings_nobody(tmp_path: Path, newsletter: Newsletter) -> None:
    """No rows is an answer, not an error."""
    assert counts(take(tmp_path, "email,name\n", newsletter)) == (0, 0, 0, 0)


def test_all_refusals_go_to_a_file_though_few_stay_in_memory(
    tmp_path: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells in it are not formulas, and it never replaces the list."""
    monkeypatch.setattr(importing, "MOST_REFUSALS", 2)
    monkeypatch.setattr(importing, "CHUNK", 2)
    content = "email\n" + "=cmd()\n" * 5
    refused = tmp_path / "refused.csv"
    report = take(tmp_path, content, newsletter, refused_to=refused)
    assert (report.refused, len(report.refusals)) == (5, 2)
    rows = list(csv.reader(refused.open()))
    assert len(rows) == 6
    assert rows[1][:2] == ["2", "'=cmd()"]
    with pytest.raises(ImportFileError, match="is the list itself"):
        take(tmp_path, content, newsletter, refused_to=tmp_path / "subscribers.csv")


POWER_CUT = """
CREATE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM subscribers_consentevent) >= 4 THEN
        RAISE EXCEPTION 'power cut';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER power_cut BEFORE INSERT ON subscribers_consentevent
    FOR EACH ROW EXECUTE FUNCTION power_cut();
"""


@pytest.mark.django_db(transaction=True)
def test_a_crash_leaves_whole_chunks_and_the_next_run_completes(
    tmp_path: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off in its third chunk, the import has stored two, each subscriber with evidence."""
    monkeypatch.setattr(importing, "CHUNK", 2)
    content = "".join(f"r{number}@r.example\n" for number in range(7))
    with connection.cursor() as cursor:
        cursor.execute(POWER_CUT)
    try:
        with pytest.raises(DatabaseError, match="power cut"):
            take(tmp_path, content, newsletter)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION power_cut() CASCADE")
    assert sorted(subscribers()) == [f"r{number}@r.example" for number in range(4)]
    assert ConsentEvent.objects.count() == 4
    assert counts(take(tmp_path, content, newsletter)) == (7, 3, 4, 0)


@pytest.mark.parametrize(("heading", "state"), [("", ""), ("email,status\n", ",active")])
def test_progress_ends_at_the_size_of_the_file(
    tmp_path: Path, newsletter: Newsletter, heading: str, state: str
) -> None:
    """Bytes done never fall and end at bytes in all, also of a list that is read twice."""
    progress: list[tuple[int, int]] = []
    content = heading + "".join(f"r{number}@r.example{state}\n" for number in range(3000))

    def on_progress(done: int, size: int) -> None:
        progress.append((done, size))

    take(tmp_path, content, newsletter, on_progress=on_progress)
    assert progress == sorted(progress)
    assert progress[-1] == (len(content), len(content))
    moves_before_the_first_chunk = any(done < size // 2 for done, size in progress)
    assert moves_before_the_first_chunk == bool(state)


def test_exported_subscribers_hold_no_formula_and_import_again(
    tmp_path: Path, newsletter: Newsletter
) -> None:
    """A round trip loses nobody."""
    make_subscriber(newsletter, email="=cmd@r.example", name="+1 (call me)")
    make_subscriber(newsletter, email="b@r.example", name="\uff1dSUM(A1)")
    make_subscriber(make_newsletter(), email="other@r.example")
    out = io.StringIO()
    assert export_csv(newsletter, out) == 2
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["email"] for row in rows] == ["'=cmd@r.example", "b@r.example"]
    assert [row["name"] for row in rows] == ["'+1 (call me)", "'\uff1dSUM(A1)"]
    assert {row["state"] for row in rows} == {"active"}
    other = make_newsletter()
    assert counts(take(tmp_path, out.getvalue(), other)) == (2, 2, 0, 0)
    assert Subscriber.objects.count() == 3
    assert export_csv(None, io.StringIO()) == 5


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r1", " =1", "\uff20x"])
def test_formula_cells_are_neutralised_and_restored(cell: str) -> None:
    """Every beginning that a spreadsheet would compute."""
    assert escape_formula(cell) == "'" + cell
    assert unescape_formula(escape_formula(cell)) == cell


@pytest.mark.parametrize("cell", ["", " ", "Ines", "O'Hara", "'tis", "a=b"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    """An apostrophe of its own is not a mark."""
    assert escape_formula(cell) == cell == unescape_formula(cell)


def test_what_an_archive_says_of_its_kind_is_not_read_whole(tmp_path: Path) -> None:
    """Some kilobytes may be gigabytes; the first octets tell a spreadsheet."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        kind = b"application/vnd.oasis.opendocument.spreadsheet"
        archive.writestr("mimetype", kind + bytes(50_000_000))
        archive.writestr("list.csv", "email\na@r.example\n")
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(ImportFileError, match="spreadsheet"), unpacked(path):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
