"""`digest bulk …`: many subscribers previewed, changed and restored."""

import json

import pytest

from digest.accounts.models import AuditEntry
from digest.bulk.models import BulkChange
from digest.newsletters.models import Newsletter
from digest.subscribers import profiles
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.cast import NOON, make_subscriber
from tests.cli.conftest import Digest

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]
OF = ("--publication", "courier")


def test_a_tag_is_previewed_applied_and_undone(digest: Digest, tide: Newsletter) -> None:
    """Nothing happens before `apply`; the audit log has no address."""
    ines, bob = make_subscriber(tide), make_subscriber(tide)
    profiles.add_tag("vip", tide.publication_id, [bob.pk])
    result = digest("bulk", "preview", "add-tag", "--tag", "VIP", "--everybody", *OF)
    change = BulkChange.objects.get()
    assert f"digest bulk apply {change.pk}" in result.out
    assert "have the tag already" in result.out
    assert ines.email in result.out
    assert profiles.profile_of(ines.pk, tide.publication_id).tags == []
    assert "1 of 2" in digest("bulk", "apply", change.pk).out
    assert profiles.profile_of(ines.pk, tide.publication_id).tags == ["vip"]
    assert "begun already" in digest("bulk", "apply", change.pk).err
    assert digest("bulk", "show", change.pk, "--json").json["can_undo"]
    assert digest("bulk", "undo", change.pk, "--json").json["restored"] == 1
    assert profiles.profile_of(ines.pk, tide.publication_id).tags == []
    assert "Add the tag “vip”" in digest("bulk", "list", *OF).out
    entries = AuditEntry.objects.values_list("action", "target")
    assert f"bulk {change.pk}" in [target for _, target in entries]
    assert not any("@" in target for _, target in entries)


def test_it_selects_by_segment_rules_and_address(digest: Digest, tide: Newsletter) -> None:
    """And says what is wrong with them."""
    ines = make_subscriber(tide)
    make_subscriber(tide)
    profiles.add_tag("press", tide.publication_id, [ines.pk])
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "press"}]}
    saving.create(tide.publication, "Press", rules, NOON)
    preview = ("bulk", "preview", "add-tag", "--tag", "vip", *OF, "--json")
    for selection in (
        ("--segment", "Press"),
        ("--rules", json.dumps(rules)),
        ("--subscriber", ines.email),
    ):
        values = digest(*preview, *selection).json
        assert (values["selected"], values["changing"]["examples"]) == (1, [ines.email]), selection
    assert "no segment" in digest(*preview, "--segment", "Gone").out
    assert "not JSON" in digest(*preview, "--rules", "{").out
    assert "No subscriber has" in digest(*preview, "--subscriber", "a@nowhere.example").out
    assert digest(*preview).status == 2
    refused = digest("bulk", "preview", "pause", "--everybody", "--until", "tomorrow", *OF)
    assert (refused.status, "Enter the day" in refused.err) == (1, True)


def test_an_erasure_names_its_number(digest: Digest, tide: Newsletter) -> None:
    """As the preview says; a draft can be discarded."""
    make_subscriber(tide)
    result = digest("bulk", "preview", "erase", "--everybody", *OF)
    change = BulkChange.objects.get()
    assert f"digest bulk apply {change.pk} --number 1" in result.out
    assert "cannot be undone" in result.out
    assert "Enter the number 1" in digest("bulk", "apply", change.pk).err
    assert "Nothing was changed" in digest("bulk", "discard", change.pk).out
    assert "digest bulk list" in digest("bulk", "apply", change.pk, "--number", 1).err
    assert Subscriber.objects.exists()
    assert "No changes yet" in digest("bulk", "list").out
