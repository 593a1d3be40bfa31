"""The page of a source, and the button that switches one on again."""

import pytest
from django.test import Client

from digest.accounts.models import AuditEntry
from tests.cast import NOON, make_newsletter, make_source

pytestmark = pytest.mark.django_db


def test_a_source_that_is_off_is_shown_and_switched_on(ada_client: Client) -> None:
    """On Home, in the list and on its page; the button is audited."""
    source = make_source(
        make_newsletter(), title="Harbour", problem="It is switched off", parser_kills=3,
        switched_off_at=NOON,
    )  # fmt: skip
    assert "Harbour is switched off" in ada_client.get("/admin/").content.decode()
    assert "Harbour" in ada_client.get("/admin/sources/?status=off").content.decode()
    page = ada_client.get(f"/admin/source/{source.pk}/").content.decode()
    assert "Switched off since" in page
    assert "Check now" not in page
    answer = ada_client.post(f"/admin/source/{source.pk}/switch-on/", follow=True)
    assert "is switched on" in answer.content.decode()
    source.refresh_from_db()
    assert source.is_polled
    assert "switched a source on" in AuditEntry.objects.values_list("action", flat=True)
    assert "Check now" in ada_client.get(f"/admin/source/{source.pk}/").content.decode()


def test_home_switches_a_source_on(ada_client: Client) -> None:
    """The same button beside the problem."""
    source = make_source(make_newsletter(), title="Harbour", switched_off_at=NOON)
    ada_client.post("/admin/home/switch-on/", {"key": source.pk})
    source.refresh_from_db()
    assert source.is_polled
