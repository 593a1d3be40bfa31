"""Exports that are damaged, enormous, or meant to do harm."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscription
from digest.transfers import files, packing
from digest.transfers.errors import TransferError
from digest.transfers.issues import fetched
from digest.transfers.issues.content import Choice, PastContent
from tests.cast import NOON, exports
from tests.transfers.test_subscribers import active, bring

pytestmark = pytest.mark.django_db
ALL = Choice(Newsletter(), "")


def test_a_path_in_an_archive_leads_nowhere(tmp_path: Path, tide: Newsletter) -> None:
    """Names that climb out of a folder are names; what the archive has is read."""
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    contents = {
        "../../../escaped.csv": exports.BEEHIIV,
        "/etc/cron.d/x\n.csv": exports.BUTTONDOWN,
        "__MACOSX/._list.csv": "\0\0",
    }
    archive = exports.zipped(folder / "a.zip", contents).read_bytes()
    bring(folder, tide, {"a.zip": archive})
    assert active(tide) == {"ana@bh.example", "ana@bd.example"}
    assert not list(tmp_path.rglob("escaped.csv"))


def test_a_bomb_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is counted as it comes, whatever the archive says of itself."""
    monkeypatch.setattr(files, "LARGEST_LIST", 1_000_000)
    bomb = exports.zipped(tmp_path / "a.zip", {"list.csv": b"a@b.example\n" * 1_000_000})
    assert bomb.stat().st_size < 100_000
    with files.opened(bomb) as export:
        with pytest.raises(TransferError, match="larger than 1 GB"):
            export.copy("list.csv")
        with pytest.raises(TransferError, match="larger than 5 MB"):
            export.read("list.csv", files.LARGEST_PAGE)


def test_all_files_together_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand files below every limit are too much as well."""
    monkeypatch.setattr(files, "LARGEST_TOTAL", 5_000)
    archive = exports.zipped(tmp_path / "a.zip", {f"{n}.html": "x" * 1_000 for n in range(6)})
    with files.opened(archive) as export:
        names = iter(export.names)
        with pytest.raises(TransferError, match="4 GB"):
            [export.read(name, files.LARGEST_PAGE) for name in names]
        assert list(names) == []  # the sixth is the one that is too much


def test_looks_into_files_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of files whose beginnings are read several times cost as much as one."""
    monkeypatch.setattr(files, "LARGEST_TOTAL", 5_000)
    archive = exports.zipped(tmp_path / "a.zip", {"list.csv": "x" * 1_000})
    with files.opened(archive) as export:
        with pytest.raises(TransferError, match="4 GB"):
            [export.start("list.csv") for _ in range(6)]
        assert export.left < 0


def test_several_archives_share_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them may be within it."""
    monkeypatch.setattr(files, "LARGEST_TOTAL", 5_000)
    paths = [
        (exports.zipped(tmp_path / f"{n}.zip", {"list.csv": "x" * 3_000}), f"{n}.zip")
        for n in range(2)
    ]
    with pytest.raises(TransferError, match="4 GB"):
        packing.pack(paths, tmp_path / "export.zip")
    (tmp_path / "c.csv").write_text("a")
    packing.pack([paths[0], (tmp_path / "c.csv", "c.csv")], tmp_path / "export.zip")
    with files.opened(tmp_path / "export.zip") as export:
        assert sorted(export.names) == ["0/list.csv", "c.csv"]


def test_copies_of_lists_are_closed_and_removed(tmp_path: Path) -> None:
    """A thousand reports with addresses must not take a thousand open files."""
    archive = exports.zipped(tmp_path / "a.zip", {f"{n}.csv": "a@b.example" for n in range(50)})
    with files.opened(archive) as export:
        before = len(list(Path("/proc/self/fd").iterdir()))
        paths = [export.copy(name) for name in export.names]
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert {path.read_text() for path in paths} == {"a@b.example"}
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize(
    "content",
    [
        '{"db": [], "posts": [',
        '[{"publish_date": "", "body": "',
        '[{"email_address": "a", "type": "',
    ],
)
def test_json_is_parsed_up_to_a_size(tmp_path: Path, tide: Newsletter, content: str) -> None:
    """Millions of empty objects take gigabytes once they are parsed."""
    padded = content + " " * files.LARGEST_JSON
    with pytest.raises(TransferError, match="larger than 20 MB"):
        bring(tmp_path, tide, {"a.json": padded})


def encrypted() -> bytes:
    """An archive that says of its file that it is encrypted."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("list.csv", exports.BEEHIIV)
    content = bytearray(stream.getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 and no more", "damaged or has a password"),
        (encrypted(), "damaged or has a password"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"", "empty"),
        (b"hello world", "No column"),
        (b'{"db": [{"data": {"posts": [', "damaged"),
        (b"{}", "Digest can read"),
    ],
)
def test_what_is_no_export_is_said(
    tmp_path: Path, tide: Newsletter, content: bytes, message: str
) -> None:
    """In a sentence; nothing is changed."""
    name = "a.json" if content.startswith(b"{") else "a.csv"
    with pytest.raises((TransferError), match=message):
        bring(tmp_path, tide, {name: content})
    assert not Subscription.objects.exists()


def test_a_spreadsheet_is_named(tmp_path: Path, tide: Newsletter) -> None:
    """It is a zip archive too."""
    book = exports.zipped(tmp_path / "b.xlsx", {"xl/workbook.xml": "<x/>"}).read_bytes()
    with pytest.raises(TransferError, match="spreadsheet"):
        bring(tmp_path, tide, {"list.xlsx": book})


def test_reports_of_who_clicked_are_no_lists(tmp_path: Path, tide: Newsletter) -> None:
    """They have addresses, and nobody in them subscribed by that."""
    bring(tmp_path, tide, exports.mailchimp_account())
    bring(tmp_path, tide, exports.substack())
    assert not {"clicker@mc.example", "clicker@ss.example"} & active(tide)


def test_past_issues_of_an_api_are_read_one_by_one(tmp_path: Path) -> None:
    """Those of twenty years would not fit into memory, and took hours to fetch."""
    item = PastContent("listmonk", "1", NOON, "Storm", "", "x" * 100_000, is_public=True)
    lines = {fetched.NAME: fetched.line_of(item) * 300}
    archive = exports.zipped(tmp_path / "a.zip", lines)
    with files.opened(archive) as export:
        tracemalloc.start()
        number = sum(row == item for row in fetched.read(export, fetched.NAME, ALL))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert number == 300
    assert peak < 5_000_000
