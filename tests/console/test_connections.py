"""Connections: added, looked at and removed in the console; files to install; one article sent."""

import io
import re
import zipfile

import pytest
from django.test import Client

from digest.accounts.models import AuditEntry
from digest.connectors.models import Connection
from digest.issues.models import Issue
from digest.newsletters.models import Publication
from tests.cast import make_article, make_newsletter, make_source

pytestmark = pytest.mark.django_db


def form(publication: Publication, **other: object) -> dict[str, object]:
    """The form as it is sent."""
    return {"name": "blog", "kind": "ghost", "publication": publication.pk} | other


def test_a_connection_is_added_and_removed(owner: Client, courier: Publication) -> None:
    """Its secret is shown once, its address always; both deeds are in the audit log."""
    newsletter = make_newsletter(publication=courier)
    page = owner.post("/admin/connections/add/", form(courier)).content.decode()
    [secret] = re.findall(r'value="(whsec_[^"]+)"', page)
    assert "Post unpublished" in page
    later = owner.get("/admin/connections/").content.decode()
    assert secret not in later
    assert re.search(r'value="\S+/connections/[\w-]+"', later)
    assert "No calls yet" in later
    assert newsletter.sources.get().kind == "pushed"
    connection = Connection.objects.get()
    owner.post(f"/admin/connections/{connection.pk}/remove/")
    assert not Connection.objects.exists()
    actions = [entry.action for entry in AuditEntry.objects.order_by("pk")]
    assert actions == ["added a connection", "removed a connection"]


def test_what_cannot_be_added_says_why(owner: Client, courier: Publication) -> None:
    """In the form, which keeps what was entered."""
    page = owner.post("/admin/connections/add/", form(courier, site_url="https://courier.example"))
    assert "address and its Content API key, or neither" in page.content.decode()
    foreign = make_newsletter().publication
    refused = owner.post("/admin/connections/add/", form(foreign))
    assert "not one of the available choices" in refused.content.decode()
    assert not Connection.objects.exists()


def test_files_are_there_to_install(owner: Client) -> None:
    """The plugin as a zip, the module as Python."""
    plugin = owner.get("/admin/connections/files/wordpress/")
    assert plugin["Content-Disposition"] == 'attachment; filename="digest-newsletter.zip"'
    with zipfile.ZipFile(io.BytesIO(plugin.content)) as archive:
        assert "digest-newsletter/readme.txt" in archive.namelist()
    module = owner.get("/admin/connections/files/wagtail/")
    assert "digest_wagtail.py" in module["Content-Disposition"]
    assert owner.get("/admin/connections/files/drupal/").status_code == 404


def test_one_article_is_sent_as_a_draft(owner: Client, courier: Publication) -> None:
    """Once for each form shown, whole or not; the draft opens and nothing is sent."""
    newsletter = make_newsletter(publication=courier, slug="tide")
    article = make_article(make_source(newsletter), body_html="<p>The ferry stopped.</p>")
    page = owner.get(f"/admin/article/{article.pk}/").content.decode()
    [key] = re.findall(r'name="key" value="(\w+)"', page)
    wish = {"newsletter": "tide", "key": key, "content": "whole"}
    answers = [owner.post(f"/admin/article/{article.pk}/send/", wish) for _ in range(2)]
    issue = Issue.objects.get()
    assert {answer["Location"] for answer in answers} == {f"/admin/issues/{issue.pk}/"}
    assert (issue.state, issue.blocks.count()) == ("draft", 2)
    other = make_newsletter(slug="flood")
    assert (
        owner.post(
            f"/admin/article/{article.pk}/send/", wish | {"newsletter": other.slug}
        ).status_code
        == 404
    )


def test_an_article_without_its_text_is_not_sent_whole(owner: Client, courier: Publication) -> None:
    """The page says so, and so does the answer."""
    newsletter = make_newsletter(publication=courier, slug="tide")
    article = make_article(make_source(newsletter))
    assert "came without its text" in owner.get(f"/admin/article/{article.pk}/").content.decode()
    wish = {"newsletter": "tide", "key": "k", "content": "whole"}
    answer = owner.post(f"/admin/article/{article.pk}/send/", wish, follow=True)
    assert "came without its text" in str(next(iter(answer.context["messages"])))
    assert not Issue.objects.exists()


def test_a_retracted_article_can_be_restored(owner: Client, courier: Publication) -> None:
    """Where a person says so."""
    article = make_article(make_source(make_newsletter(publication=courier)))
    owner.post(f"/admin/article/{article.pk}/retract/")
    article.refresh_from_db()
    assert article.retracted_at
    assert "Restore" in owner.get(f"/admin/article/{article.pk}/").content.decode()
    owner.post(f"/admin/article/{article.pk}/restore/")
    article.refresh_from_db()
    assert article.retracted_at is None
