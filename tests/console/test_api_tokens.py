"""Tokens for programs, made in the console."""

import re

import pytest
from django.test import Client

from digest.accounts.models import AuditEntry, Token
from digest.newsletters.models import Publication
from tests.cast import make_newsletter, make_publication

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    owner: Client, courier: Publication
) -> None:
    """In its own publication, for what was ticked."""
    form = {"name": "cms", "publication": courier.slug, "scope": ["newsletters:read"], "days": "9"}
    page = owner.post("/admin/api-tokens/create/", form).content.decode()
    [secret] = re.findall(r'value="(dg_[^"]+)"', page)
    assert secret not in owner.get("/admin/api-tokens/").content.decode()
    header = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/newsletters", headers=header).status_code == 200
    assert Client().get("/api/v1/subscribers", headers=header).status_code == 403
    assert "last used" in owner.get("/admin/api-tokens/").content.decode()
    token = Token.objects.get()
    assert token.publication_id == courier.pk
    owner.post(f"/admin/api-tokens/{token.pk}/revoke/")
    assert Client().get("/api/v1/newsletters", headers=header).status_code == 401
    assert [entry.action[:7] for entry in AuditEntry.objects.order_by("pk")] == [
        "created",
        "revoked",
    ]


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"scope": []}, {"scope": ["king"]}, {"days": "-1"}, {"days": "²"}]
)
def test_rubbish_makes_none(owner: Client, courier: Publication, wrong: dict[str, object]) -> None:
    """It says what is wrong."""
    form = {"name": "cms", "publication": courier.slug, "scope": ["newsletters:read"], "days": ""}
    answer = owner.post("/admin/api-tokens/create/", form | wrong, follow=True)
    assert list(answer.context["messages"])
    assert not Token.objects.exists()


def test_nobody_makes_one_that_reaches_further(owner: Client) -> None:
    """Than they do themselves."""
    other = make_publication(slug="gazette")
    for slug in ("", other.slug):
        form = {"name": "cms", "publication": slug, "scope": ["newsletters:read"]}
        assert owner.post("/admin/api-tokens/create/", form).status_code == 403
    assert not Token.objects.exists()


def test_what_was_entered_stays_and_a_link_proposes_a_token(
    owner: Client, courier: Publication
) -> None:
    """A refused form keeps its ticks: without those of newsletters, the token would reach all."""
    newsletter = make_newsletter(publication=courier)
    form = {"name": "", "publication": courier.slug, "scope": ["newsletters:read"], "days": "9"}
    page = owner.post("/admin/api-tokens/create/", form | {"newsletter": newsletter.pk})
    text = page.content.decode()
    for field in ("newsletters:read", str(newsletter.pk)):
        assert f'value="{field}" checked' in text
    assert 'value="9"' in text
    link = {"name": "wordpress", "scope": ["issues:write", "articles:write"]}
    proposed = owner.get("/admin/api-tokens/", link).content.decode()
    assert 'value="wordpress"' in proposed
    assert proposed.count("checked") == 2
    created = owner.post("/admin/api-tokens/create/", form | {"name": "cms"}).content.decode()
    assert "checked" not in created
    assert Token.objects.get().name == "cms"
