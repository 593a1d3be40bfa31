"""The live example under a subject or preview text."""

from typing import Any

import pytest
from django.test import Client

from digest.core import clock
from tests.cast import NOON, make_article, make_issue, make_newsletter, make_source, make_story

pytestmark = pytest.mark.django_db


def example(owner: Client, newsletter_id: int, **query: Any) -> Any:
    """Ask for an example."""
    return owner.get(f"/admin/newsletter/{newsletter_id}/example/", query)


def test_an_example_a_note_or_a_problem(ada_client: Client) -> None:
    """The words are for the editor, and name the field as the page does."""
    newsletter = make_newsletter(name="The Morning Tide")
    answer = example(ada_client, newsletter.pk, template="{{ newsletter.name }}{{ nom }}")
    assert answer.json() == {
        "text": "The Morning Tide",
        "note": "“nom” stands for nothing here. Insert a value with the buttons.",
    }
    broken = example(ada_client, newsletter.pk, template="{{ newsletter", name="Preview text")
    assert broken.json()["problem"].startswith("The preview text template cannot be rendered: ")
    assert "line 1" in broken.json()["problem"]


def test_an_example_follows_what_comes_in(ada_client: Client) -> None:
    """With a made-up story first, then with the newest one."""
    newsletter = make_newsletter()
    query = {"template": "Today: {{ stories[0].title }}"}
    assert example(ada_client, newsletter.pk, **query).json()["text"] == "Today: A headline"
    source = make_source(newsletter)
    make_article(source, title="Seals return", published_at=None)
    make_article(source, title="Dredging begins", published_at=clock.now())
    assert example(ada_client, newsletter.pk, **query).json()["text"] == "Today: Dredging begins"


def test_an_example_of_one_issue(ada_client: Client) -> None:
    """Of this newsletter only."""
    issue = make_issue(make_newsletter(), state="draft", slot=NOON)
    make_story(issue, title="Mine")
    query = {"template": "{{ stories[0].title }}", "issue": issue.pk}
    assert example(ada_client, issue.newsletter_id, **query).json()["text"] == "Mine"
    other = make_newsletter(slug="other")
    assert example(ada_client, other.pk, **query).status_code == 404
    for odd in ("x", "9" * 40, "²", "-1"):
        assert example(ada_client, other.pk, template="", issue=odd).status_code == 404


def test_the_page_of_a_newsletter_has_both_fields(ada_client: Client) -> None:
    """With the stored Jinja, on a line."""
    newsletter = make_newsletter(subject="{{ stories[0].title }}\nand more", preheader="")
    page = ada_client.get(f"/admin/newsletter/{newsletter.pk}/").content.decode()
    assert 'name="texts-subject" value="{{ stories[0].title }} and more"' in page
    assert f'data-example="/admin/newsletter/{newsletter.pk}/example/"' in page
    assert page.count("<template-field") == 2


def test_without_valkey_nobody_is_seen_and_the_editor_works(
    ada_client: Client, settings: Any
) -> None:
    """Presence is answered as if alone; nothing else of the editor needs it."""
    issue = make_issue(state="draft")
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:9/0"
    address = f"/admin/issues/{issue.pk}/presence/"
    answer = ada_client.get(address, {"tab": "a", "place": ""})
    assert answer.status_code == 200
    assert answer.json()["people"] == []
    assert answer.json()["revision"] == issue.revision
