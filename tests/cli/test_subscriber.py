"""`digest subscriber …` and `digest suppress`."""

import csv
import io
from pathlib import Path

import pytest

from digest.notices.models import Notice
from digest.sending.models import Delivery
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression
from tests.cast import NOON, make_issue, make_newsletter, make_subscriber
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tide(db: None) -> None:
    """A newsletter called tide."""
    make_newsletter(slug="tide", name="The Morning Tide")


def state() -> str:
    """The only subscription's state."""
    return Subscription.objects.get().state


def test_add_confirmed_receives_it(digest: Digest) -> None:
    """The operator's word, kept as evidence."""
    result = digest(
        *("subscriber", "add", "ines@r.example", "--newsletter", "tide", "--confirmed"),
        *("--name", "Inés", "--wording", "Asked by phone."),
    )
    assert result.out == "ines@r.example to The Morning Tide: subscribed.\n"
    assert state() == "active"
    event = ConsentEvent.objects.get()
    assert (event.via, event.wording) == ("command line", "Asked by phone.")


def test_add_unconfirmed_asks_the_subscriber_once(digest: Digest) -> None:
    """A confirmation mail is laid down; asking again within the hour says that none was."""
    result = digest("subscriber", "add", "ines@r.example", "--newsletter", "tide")
    assert "A mail asks them to confirm" in result.out
    assert state() == "pending"
    assert Notice.objects.get().kind == "confirm"
    result = digest("subscriber", "add", "ines@r.example", "--newsletter", "tide")
    assert "No mail was sent" in result.out
    assert Notice.objects.count() == 1


def test_erase_needs_a_word_and_is_for_good(digest: Digest) -> None:
    """Where nobody can be asked, --yes; afterwards nobody is known."""
    digest("subscriber", "add", "ines@r.example", "--newsletter", "tide", "--confirmed")
    assert digest("subscriber", "erase", "ines@r.example").status == 1
    assert digest("subscriber", "erase", "ines@r.example", "--yes").status == 0
    assert digest("subscriber", "show", "ines@r.example").status == 1
    assert Suppression.objects.get().address_key.startswith("hmac:")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["add", "nonsense", "--newsletter", "tide"], "not a valid email address"),
        (["add", "a@r.example\nBcc: x@y", "--newsletter", "tide"], "not a valid email address"),
        (["add", "a@r.example", "--newsletter", "tid"], "Did you mean 'tide'?"),
        (["show", "nobody@r.example"], "No subscriber has the address"),
        (["show", ""], "not a valid email address"),
        (["unsubscribe", "nobody@r.example"], "No subscriber has the address"),
        (["export", "--newsletter", "x"], "There is no newsletter"),
        (["export", "--output", "/nowhere/x.csv"], "cannot be written"),
        (["export", "--json"], "--output"),
    ],
)
def test_bad_wishes_are_answered_in_a_line(
    digest: Digest, arguments: list[str], reason: str
) -> None:
    """And store nothing."""
    result = digest("subscriber", *arguments)
    assert result.status == 1
    assert reason in result.err + result.out
    assert not Subscriber.objects.exists()


def test_import_reports_what_it_did(digest: Digest, tmp_path: Path) -> None:
    """How the file was read, what was taken, each refusal with its line."""
    path = tmp_path / "list.csv"
    path.write_bytes("E-Mail;Vorname\na@r.example;Zoë\nnonsense;x\n".encode("cp1252"))
    arguments = (
        "subscriber",
        "import",
        path,
        "--newsletter",
        "tide",
        "--consent",
        "Fair, May 2026",
    )
    result = digest(*arguments, "--report", tmp_path / "refused.csv")
    assert result.status == 0
    assert "Read as cp1252, cells parted by ';'" in result.out
    assert "2 rows: 1 added, 0 unchanged, 1 refused." in result.out
    assert "\n3     nonsense" in result.out
    assert "refused.csv" in result.out
    assert len((tmp_path / "refused.csv").read_text().splitlines()) == 2
    values = digest(*arguments, "--json").json
    assert (values["added"], values["unchanged"], values["refused"]) == (0, 1, 1)
    assert values["refusals"][0]["line"] == 3


def test_an_import_says_beforehand_what_it_would_do(digest: Digest, tmp_path: Path) -> None:
    """The first rows, the columns of states, the causes; nothing is stored, no consent needed."""
    path = tmp_path / "list.csv"
    path.write_text("email,status\na@r.example,active\nb@r.example,bounced\nc@r.example,zombie\n")
    arguments = ("subscriber", "import", path, "--newsletter", "tide")
    result = digest(*arguments, "--dry-run")
    assert result.status == 0
    assert "Nothing has been changed" in result.out
    assert "3 rows: 1 added, 0 unchanged, 2 refused." in result.out
    assert "1 bounced" in result.out
    assert "'status' (state)" in result.out
    values = digest(*arguments, "--dry-run", "--suppress", "--json").json
    assert values["causes"] == {"bounced": 1, "unknown state": 1}
    assert (values["dry_run"], values["suppressed"]) == (True, 1)
    assert values["preview"][1]["outcome"].startswith("bounced")
    assert not Subscriber.objects.exists()
    assert not Suppression.objects.exists()
    consent = ("--consent", "At the fair")
    assert digest(*arguments, *consent, "--everyone", "no-consent").status == 0
    assert not Subscriber.objects.exists()
    assert "suppressed for this newsletter" in digest(*arguments, *consent, "--suppress").out
    assert Subscriber.objects.get().email == "a@r.example"
    assert Suppression.objects.get().reason == "bounced"


def test_import_takes_a_mapping(digest: Digest, tmp_path: Path) -> None:
    """Heading or number; anything else is explained."""
    path = tmp_path / "list.csv"
    path.write_text("kontakt,wer\na@r.example,Zoë\n")
    arguments = ("subscriber", "import", path, "--newsletter", "tide", "--consent", "x")
    assert "email=Contact" in digest(*arguments, "--map", "kontakt").err
    assert "There is no column" in digest(*arguments, "--map", "email=3").err
    assert digest(*arguments, "--map", "email=kontakt", "--map", "name=2").status == 0
    assert Subscriber.objects.get().name == "Zoë"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"name\nZoe\n", "No column"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_list_is_refused(
    digest: Digest, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """In one line; a folder too."""
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_bytes(content)
    for file_path, expected_reason in [(path, reason), (tmp_path, "Is a directory")]:
        result = digest("subscriber", "import", file_path, "--newsletter", "tide", "--consent", "x")
        assert (result.status, result.out) == (1, "")
        assert expected_reason in result.err


def test_import_needs_a_statement_of_consent(digest: Digest, tmp_path: Path) -> None:
    """Blank is none; where nobody can be asked, it must be said."""
    (tmp_path / "l.csv").write_text("a@r.example\n")
    arguments = ("subscriber", "import", tmp_path / "l.csv", "--newsletter", "tide")
    assert "--consent" in digest(*arguments).err
    assert digest(*arguments, "--consent", " ").status == 1
    assert not Subscriber.objects.exists()


def test_a_header_alone_is_said(digest: Digest, tmp_path: Path) -> None:
    """Nothing to do is not a failure."""
    (tmp_path / "l.csv").write_text("email\n")
    result = digest(
        "subscriber", "import", tmp_path / "l.csv", "--newsletter", "tide", "--consent", "x"
    )
    assert result.status == 0
    assert "a heading and no rows" in result.out


def test_export_goes_to_the_screen_or_a_file(digest: Digest, tmp_path: Path) -> None:
    """The same rows."""
    digest("subscriber", "add", "=x@r.example", "--newsletter", "tide", "--confirmed")
    rows = list(csv.DictReader(io.StringIO(digest("subscriber", "export").out)))
    assert [row["email"] for row in rows] == ["'=x@r.example"]
    path = tmp_path / "out.csv"
    result = digest("subscriber", "export", "--output", path, "--newsletter", "tide", "--json")
    assert result.json == {"rows": 1, "file": str(path)}
    assert list(csv.DictReader(path.open())) == rows


def test_show_tells_all_that_is_known(digest: Digest) -> None:
    """Subscriptions, suppressions, consent, deliveries."""
    digest("subscriber", "add", "ines@r.example", "--newsletter", "tide", "--confirmed")
    digest("suppress", "ines@r.example", "--reason", "complaint")
    Delivery.objects.create(
        issue=make_issue(),
        subscriber=Subscriber.objects.get(),
        due_at=NOON,
        settled_at=NOON,
        state=Delivery.State.SENT,
        reply="250 queued as 4711",
    )
    result = digest("subscriber", "show", "Ines@R.example")
    for arguments in [
        "active",
        "every newsletter",
        "complaint",
        "confirmed",
        "sent",
        "4711",
        "12:00 UTC",
    ]:
        assert arguments in result.out
    values = digest("subscriber", "show", "ines@r.example", "--json").json
    assert values["deliveries"][0]["state"] == "sent"


def test_unsubscribe_is_for_one_or_for_all(digest: Digest) -> None:
    """A second time changes nothing and says so."""
    subscriber = make_subscriber(make_newsletter(slug="ebb"), email="ines@r.example")
    digest("subscriber", "add", "ines@r.example", "--newsletter", "tide", "--confirmed")
    result = digest("subscriber", "unsubscribe", "ines@r.example", "--newsletter", "tide")
    assert result.out == "ines@r.example has left tide.\n"
    values = digest("subscriber", "unsubscribe", "ines@r.example", "--json").json
    assert values["left"] == ["ebb"]
    assert "had left already" in digest("subscriber", "unsubscribe", "ines@r.example").out
    assert set(subscriber.subscriptions.values_list("state", flat=True)) == {"unsubscribed"}


def test_who_has_left_comes_back_by_their_own_wish_alone(digest: Digest) -> None:
    """--again is the operator's word that they asked in person."""
    arguments = ("subscriber", "add", "ines@r.example", "--newsletter", "tide", "--confirmed")
    digest(*arguments)
    digest("subscriber", "unsubscribe", "ines@r.example")
    assert "Only the subscriber can subscribe again" in digest(*arguments).err
    assert state() == "unsubscribed"
    assert digest(*arguments, "--again").status == 0
    assert state() == "active"


def test_suppress_and_lift(digest: Digest) -> None:
    """By one newsletter or by all; twice is once."""
    assert "for every newsletter." in digest("suppress", "a@r.example", "--reason", "bounce").out
    assert "Nothing changed" in digest("suppress", "a@r.example", "--reason", "bounce").out
    result = digest("subscriber", "add", "a@r.example", "--newsletter", "tide", "--confirmed")
    assert "cannot send to this address" in result.err
    assert "--reason" in digest("suppress", "a@r.example", "--lift").err
    lift = ("suppress", "a@r.example", "--lift", "--reason", "called us")
    values = digest(*lift, "--json").json
    assert values == {
        "email": "a@r.example",
        "newsletter": None,
        "suppressed": False,
        "changed": True,
    }
    assert digest("suppress", "a@r.example", "--newsletter", "x", "--reason", "y").status == 1
