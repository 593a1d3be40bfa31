"""Nobody becomes active who was not, and what is known of the others comes along."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes
from digest.subscribers.models import (
    ConsentEvent,
    Growth,
    Profile,
    Subscription,
    Suppression,
)
from digest.transfers import packing
from digest.transfers.errors import TransferError
from digest.transfers.options import Options
from digest.transfers.reporting import Report
from digest.transfers.running import run_transfer
from tests.cast import NOON, exports
from tests.cast.newsletters import make_layout_block

pytestmark = pytest.mark.django_db
CONSENT = "signed up on the site"


@pytest.fixture
def tide(tide: Newsletter) -> Newsletter:
    """The Morning Tide, with a topic."""
    make_layout_block(tide, kind=BlockKind.TOPIC, title="Culture", topics=["culture"])
    return tide


def bring(
    folder: Path, newsletter: Newsletter, contents: Mapping[str, str | bytes], **options: Any
) -> Report:
    """Import these files."""
    dry_run = options.pop("dry_run", False)
    skipped_to = options.pop("skipped_to", None)
    on_progress = options.pop("on_progress", lambda _share: None)
    paths = []
    if any("/" in name for name in contents):
        archive = exports.zipped(folder / "archive", contents)
        contents = {"archive.zip": archive.read_bytes()}
    for number, (name, content) in enumerate(contents.items()):
        path = folder / f"{number}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append((path, name))
    target = folder / "export.zip"
    packing.pack(paths, target)
    return run_transfer(
        target,
        newsletter,
        Options(consent=CONSENT, **options),
        now=NOON,
        dry_run=dry_run,
        skipped_to=skipped_to,
        on_progress=on_progress,
    )


def two_audiences() -> dict[str, str]:
    """An account with the audience of the newsletter, and that of a shop."""
    shop = "subscribed_email_audience_export_9f8e.csv"
    row = exports.mailchimp_member("shopper@mc.example")
    campaigns = "Title,Subject,List,Send Date\nSale,Sale,Shop,\n"
    return {
        **{f"7/lists/{name}": text for name, text in exports.mailchimp_audience().items()},
        f"7/lists/{shop}": exports.table(",".join(row), [row]),
        "7/campaigns.csv": campaigns,
    }


def test_people_of_another_audience_are_not_added(tmp_path: Path, tide: Newsletter) -> None:
    """They subscribed to something else: one audience has to be named, and only it is read."""
    for number, name in enumerate(("", "7c6d")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(TransferError, match=r"several audiences.*“1a2b”, “9f8e”"):
            bring(folder, tide, two_audiences(), list_name=name)
    folder = tmp_path / "chosen"
    folder.mkdir()
    bring(folder, tide, two_audiences(), list_name="1A2B")
    assert active(tide) == {"ines@mc.example", "bob@mc.example"}
    folder = tmp_path / "issues"
    folder.mkdir()
    assert bring(folder, tide, two_audiences(), list_name="shop").lists == []


def active(newsletter: Newsletter) -> set[str]:
    """The addresses that would be mailed."""
    rows = Subscription.objects.filter(newsletter=newsletter, state="active")
    return set(rows.values_list("subscriber__email", flat=True))


@pytest.mark.parametrize(
    ("service", "contents", "options", "expected"),
    [
        ("mailchimp", exports.mailchimp_audience(), {}, {"ines@mc.example", "bob@mc.example"}),
        ("mailchimp", exports.mailchimp_account(), {}, {"ines@mc.example", "bob@mc.example"}),
        ("substack", exports.substack(), {}, {"ana@ss.example"}),
        ("ghost", {"members.csv": exports.GHOST_MEMBERS}, {"affirmed": True}, {"ana@gh.example"}),
        ("listmonk", {"subscribers.csv": exports.LISTMONK}, {"affirmed": True}, {"ana@lm.example"}),
        ("mailpoet", {"list.csv": exports.MAILPOET}, {"list_name": "Tide"}, {"ana@mp.example"}),
        ("beehiiv", {"list.csv": exports.BEEHIIV}, {}, {"ana@bh.example"}),
        ("buttondown", {"list.csv": exports.BUTTONDOWN}, {}, {"ana@bd.example"}),
    ],
)
def test_only_who_was_active_becomes_active(
    tmp_path: Path,
    tide: Newsletter,
    service: str,
    contents: dict[str, str],
    options: dict[str, Any],
    expected: set[str],
) -> None:
    """In the forms of every service, as one archive too; a second import changes nothing."""
    archive = exports.zipped(tmp_path / "a.zip", contents).read_bytes()
    report = bring(tmp_path, tide, {"export.zip": archive}, **options)
    assert report.service == service
    assert active(tide) == expected
    assert report.added == len(expected)
    rows = [report.rows, sum(row.refused for row in report.lists)]
    events = ConsentEvent.objects.count()
    second = bring(tmp_path, tide, contents, **options)
    assert second.added == 0
    assert [second.rows, sum(row.refused for row in second.lists)] == rows
    assert ConsentEvent.objects.count() == events
    assert active(tide) == expected


@pytest.mark.parametrize("contents", [exports.GHOST_MEMBERS, exports.LISTMONK])
def test_what_a_list_does_not_say_has_to_be_affirmed(
    tmp_path: Path, tide: Newsletter, contents: str
) -> None:
    """A list that is silent about who left adds nobody before somebody says so."""
    report = bring(tmp_path, tide, {"list.csv": contents})
    assert report.question
    assert active(tide) == set()
    assert report.lists[0].causes["unknown state"] == 1


def test_ghosts_json_answers_for_its_members(tmp_path: Path, tide: Newsletter) -> None:
    """Where the site has one newsletter, nothing has to be affirmed."""
    site = exports.ghost_json([exports.ghost_post()])
    report = bring(tmp_path, tide, {"site.json": site, "members.csv": exports.GHOST_MEMBERS})
    assert (report.question, active(tide)) == ("", {"ana@gh.example"})
    several = exports.ghost_json([], ["Tide", "Sport"])
    with pytest.raises(TransferError, match="“Tide”, “Sport”"):
        bring(tmp_path, tide, {"site.json": several, "members.csv": exports.GHOST_MEMBERS})


def test_a_mailing_list_has_to_be_named(tmp_path: Path, tide: Newsletter) -> None:
    """Who subscribed to another list did not subscribe to this newsletter."""
    with pytest.raises(TransferError, match="“Tide”, “Sport”"):
        bring(tmp_path, tide, {"list.csv": exports.MAILPOET})
    report = bring(tmp_path, tide, {"list.csv": exports.MAILPOET}, list_name="sport")
    assert active(tide) == {"eva@mp.example"}
    assert "another list: Tide" in report.lists[0].refusals[0].reason


def test_consent_tags_topics_and_time_zone_come_along(tmp_path: Path, tide: Newsletter) -> None:
    """With the time and place of the sign-up; they are counted as joined once."""
    attributes.define(tide.publication, label="Birthday", kind="text", now=NOON)
    report = bring(tmp_path, tide, exports.mailchimp_audience())
    ines = Subscription.objects.get(subscriber__email="ines@mc.example")
    assert (ines.topics, ines.subscriber.timezone) == (["Culture"], "Europe/Paris")
    assert f"{ines.created_at:%Y-%m-%d %H:%M}" == "2019-05-03 10:00"
    profile = Profile.objects.get(subscriber=ines.subscriber)
    assert profile.tags == ["press", "vip"]
    assert profile.attributes == {"birthday": "05/03"}
    events = ConsentEvent.objects.filter(subscriber=ines.subscriber).order_by("at")
    assert [(row.action, row.via, row.ip) for row in events] == [
        ("requested", "mailchimp", "192.0.2.7"),
        ("imported", "import", None),
    ]
    assert "confirmed on Fri 03 May 2019, 10:05 UTC from 192.0.2.8" in events[0].wording
    assert sum(Growth.objects.values_list("joined", flat=True)) == 2
    details = report.values()["subscribers"]["details"]
    assert details == {"consent": 2, "ip": 2, "tags": 1, "topics": 1, "attributes": 1}


def test_values_in_documents_come_along(tmp_path: Path, tide: Newsletter) -> None:
    """In one column, as listmonk has them; those that are not defined here are named."""
    report = bring(tmp_path, tide, {"list.csv": exports.LISTMONK}, dry_run=True, affirmed=True)
    assert "values are not read: city." in report.remarks[0]
    attributes.define(tide.publication, label="City", kind="text", now=NOON)
    bring(tmp_path, tide, {"list.csv": exports.LISTMONK}, affirmed=True)
    assert Profile.objects.get().attributes == {"city": "Ulm"}


def test_who_left_or_bounced_is_suppressed(tmp_path: Path, tide: Newsletter) -> None:
    """For this newsletter, with the reason; only if that is wanted."""
    bring(tmp_path, tide, exports.mailchimp_audience(), suppress=False)
    assert not Suppression.objects.exists()
    bring(tmp_path, tide, exports.mailchimp_audience())
    rows = Suppression.objects.order_by("address_key").values_list("address_key", "reason")
    assert list(rows) == [("gone@mc.example", "bounced"), ("left@mc.example", "unsubscribed")]


def test_who_is_inactive_at_beehiiv_has_left(tmp_path: Path, tide: Newsletter) -> None:
    """Its word for it; so no later list makes them active, only they themselves."""
    bring(tmp_path, tide, {"list.csv": exports.BEEHIIV})
    rows = Suppression.objects.values_list("address_key", "reason")
    assert list(rows) == [("ben@bh.example", "unsubscribed")]
    bring(tmp_path, tide, {"list.csv": "email,status\nben@bh.example,active\n"})
    assert active(tide) == {"ana@bh.example"}


def test_a_dry_run_says_the_same_and_stores_nothing(tmp_path: Path, tide: Newsletter) -> None:
    """What a person is shown is what happens."""
    foreseen = bring(tmp_path, tide, exports.mailchimp_account(), dry_run=True).values()
    assert not Subscription.objects.exists()
    assert not Suppression.objects.exists()
    assert not tide.past_issues.exists()
    assert bring(tmp_path, tide, exports.mailchimp_account()).values() == foreseen


def test_reading_who_left_is_half_of_the_way(tmp_path: Path, tide: Newsletter) -> None:
    """It is seen, and renews the lease: a large list takes minutes to read."""
    shares: list[float] = []
    content = "email,status\nbo@tide.example,subscribed\nada@tide.example,unsubscribed\n"
    bring(tmp_path, tide, {"list.csv": content}, on_progress=shares.append)
    assert [round(share, 1) for share in shares] == [0.5, 1, 1]


def test_skipped_rows_are_written_down(tmp_path: Path, tide: Newsletter) -> None:
    """All of them, with the file that they are in; formulas are made harmless."""
    contents = {"list.csv": exports.BEEHIIV + "=cmd@bh.example x,active,,,,\n"}
    bring(tmp_path, tide, contents, skipped_to=tmp_path / "skipped.csv")
    text = (tmp_path / "skipped.csv").read_text()
    assert text.startswith("file,line,address,reason,cause\n")
    assert text.count("list.csv,") == 3
    assert "'=cmd@bh.example x" in text


def test_what_stays_behind_is_said(tmp_path: Path, tide: Newsletter) -> None:
    """Columns that nothing here is named after, and what the service keeps."""
    report = bring(tmp_path, tide, exports.mailchimp_audience())
    remarks = " ".join(report.remarks)
    assert "Birthday" in remarks
    assert "stay at Mailchimp" in remarks
    site = bring(tmp_path, tide, {"site.json": exports.ghost_json([exports.ghost_post()])})
    assert "Members are not in this file." in site.remarks[0]


def test_an_editor_s_tags_are_not_undone(tmp_path: Path, tide: Newsletter) -> None:
    """Who is subscribed already stays as they are."""
    bring(tmp_path, tide, exports.mailchimp_audience())
    Profile.objects.update(tags=["mine"])
    bring(tmp_path, tide, exports.mailchimp_audience())
    assert Profile.objects.get().tags == ["mine"]
