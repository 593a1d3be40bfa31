"""Exports that are damaged, enormous, or meant to do harm."""

import io
import zipfile
from pathlib import Path

import pytest

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscription
from digest.transfers import files
from digest.transfers.errors import TransferError
from tests.cast import exports, make_newsletter
from tests.transfers.test_subscribers import active, bring

pytestmark = pytest.mark.django_db


@pytest.fixture
def tide() -> Newsletter:
    """The Morning Tide."""
    return make_newsletter()


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
