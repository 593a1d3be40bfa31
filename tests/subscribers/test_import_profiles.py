"""Columns of a list become tags and attribute values; what cannot be read is left out and said."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes, profiles
from digest.subscribers.consent import subscribe, unsubscribe
from digest.subscribers.errors import ImportFileError
from digest.subscribers.exporting import export_csv
from digest.subscribers.importing import Report, import_csv
from digest.subscribers.models import Profile, Subscriber
from digest.transfers import queue
from digest.transfers.models import Transfer
from tests.cast import NOON, make_newsletter, make_publication

pytestmark = pytest.mark.django_db


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter whose publication has attributes."""
    newsletter = make_newsletter(slug="tide", publication=make_publication())
    publication = newsletter.publication
    attributes.define(publication, label="City", kind="text", now=NOON)
    attributes.define(publication, label="Born", kind="date", now=NOON)
    attributes.define(publication, label="Gave", kind="boolean", key="donor", now=NOON)
    return newsletter


def take(folder: Path, content: str, newsletter: Newsletter, **options: Any) -> Report:
    """Import a list with this content."""
    path = folder / "list.csv"
    path.write_text(content)
    return import_csv(path, newsletter, consent="Paper form, 2025", now=NOON, **options)


def profile_of(email: str, newsletter: Newsletter) -> tuple[list[str], dict[str, Any]]:
    """The tags and values of a subscriber."""
    subscriber = Subscriber.objects.get(email=email)
    profile = profiles.profile_of(subscriber.pk, newsletter.publication_id)
    return profile.tags, profile.attributes


def test_columns_called_like_attributes_are_read(tmp_path: Path, tide: Newsletter) -> None:
    """By label or key; tags in the ways that systems write them."""
    report = take(
        tmp_path,
        "email,City,born,donor,Tags\n"
        'a@r.example,Bergen,1980-02-29,yes,"""VIP"",""press"""\n'
        "b@r.example,'=Oslo,,,press; VIP\n"
        "c@r.example,,,,\n",
        tide,
    )
    assert report.layout.meanings[1:] == (
        *("attribute.city", "attribute.born", "attribute.donor"),
        "tags",
    )
    values = {"city": "Bergen", "born": "1980-02-29", "donor": True}
    assert profile_of("a@r.example", tide) == (["vip", "press"], values)
    assert profile_of("b@r.example", tide) == (["press", "vip"], {"city": "=Oslo"})
    assert Profile.objects.count() == 2, "who has nothing needs no profile"


def test_a_value_of_another_type_is_left_out_and_counted(tmp_path: Path, tide: Newsletter) -> None:
    """Its row is imported all the same; a dry run says so and stores nothing."""
    content = "email,born,city\na@r.example,12:30,Bergen\nb@r.example,1990-13-01,\n"
    dry = take(tmp_path, content, tide, dry_run=True)
    assert dry.unread == {"born": 2}
    assert not Profile.objects.exists()
    report = take(tmp_path, content, tide)
    assert (report.added, report.unread) == (2, {"born": 2})
    assert profile_of("a@r.example", tide) == ([], {"city": "Bergen"})


def test_an_import_adds_to_what_is_there(tmp_path: Path, tide: Newsletter) -> None:
    """An empty cell changes nothing; who is refused gets nothing."""
    for name in ("a", "left"):
        subscribe(
            addresses.parse(f"{name}@r.example"),
            tide,
            via="page",
            confirmed=True,
            wording="",
            now=NOON,
        )
    subscriber = Subscriber.objects.get(email="a@r.example")
    profiles.add_tag("old", tide.publication_id, [subscriber.pk])
    profiles.set_attributes(subscriber.pk, tide.publication_id, {"city": "Oslo", "donor": "no"})
    left = Subscriber.objects.get(email="left@r.example")
    unsubscribe(left.pk, tide.pk, via="page", ip=None, now=NOON)
    take(
        tmp_path,
        "email,city,donor,tags\na@r.example,Bergen,,old;new\nleft@r.example,Rome,yes,new\n",
        tide,
    )
    assert profile_of("a@r.example", tide) == (["old", "new"], {"city": "Bergen", "donor": False})
    assert profile_of("left@r.example", tide) == ([], {})


def test_who_is_tagged_unsubscribed_is_not_mailed(tmp_path: Path, tide: Newsletter) -> None:
    """A column of tags still says who must not be mailed, where the word cannot be mistaken."""
    report = take(tmp_path, "email,tags\na@r.example,unsubscribed\nb@r.example,vip\n", tide)
    assert (report.added, report.refused) == (1, 1)
    assert not Subscriber.objects.filter(email="a@r.example").exists()


def test_columns_are_mapped_explicitly(tmp_path: Path, tide: Newsletter) -> None:
    """An attribute that does not exist, or twice, is refused with what to do."""
    content = "email,town,labels\na@r.example,Bergen,vip\n"
    take(tmp_path, content, tide, mapping=[("attribute.city", "town"), ("tags", "3")])
    assert profile_of("a@r.example", tide) == (["vip"], {"city": "Bergen"})
    with pytest.raises(ImportFileError, match="There is no attribute “size”"):
        take(tmp_path, content, tide, mapping=[("attribute.size", "town")])
    with pytest.raises(ImportFileError, match=r"attribute\.KEY"):
        take(tmp_path, content, tide, mapping=[("size", "town")])


def test_an_uploaded_list_is_checked_with_its_attributes(tmp_path: Path, tide: Newsletter) -> None:
    """What a person chose for a column is what is imported."""
    path = tmp_path / "list.csv"
    path.write_text("email,city,town\na@r.example,Bergen,Oslo\n")
    queue.add_list(path, "list.csv", tide, "Paper", 1_000_000, NOON)
    queue.run_due(NOON)
    upload = Transfer.objects.get()
    assert upload.reading["meanings"] == ["email", "attribute.city", "other"]
    twice = upload.reading | {"meanings": ["email", "attribute.city", "attribute.city"]}
    with pytest.raises(ImportFileError, match=r"only one column as “attribute\.city”"):
        queue.read_list_again(upload, twice, suppress=False)
    chosen = upload.reading | {"meanings": ["email", "other", "attribute.city"]}
    assert queue.read_list_again(upload, chosen, suppress=False)
    queue.run_due(NOON)
    assert queue.begin(Transfer.objects.get())
    queue.run_due(NOON)
    assert profile_of("a@r.example", tide) == ([], {"city": "Oslo"})


def test_an_export_comes_back_whole(tmp_path: Path, tide: Newsletter) -> None:
    """Tags and values of each type, into another publication with the same attributes."""
    content = "email,city,born,donor,tags\na@r.example,'=Bergen,1980-02-29,no,vip;press\n"
    take(tmp_path, content, tide)
    export_csv(tide, stream := io.StringIO())
    [row] = csv.DictReader(io.StringIO(stream.getvalue()))
    assert (row["tags"], row["attribute.donor"]) == ("vip, press", "no")
    other = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    for attribute in attributes.attributes_of(tide.publication_id).values():
        attributes.define(
            other.publication,
            label=attribute.label,
            key=attribute.key,
            kind=attribute.kind,
            now=NOON,
        )
    take(tmp_path, stream.getvalue(), other)
    assert profile_of("a@r.example", other) == profile_of("a@r.example", tide)
