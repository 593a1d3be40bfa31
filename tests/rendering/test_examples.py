"""Examples of editors' templates, from the next issue."""

from datetime import timedelta

import pytest

from digest.newsletters.models import Newsletter
from digest.rendering.editor_templates.examples import example_of
from digest.rendering.errors import EditorTemplateError
from tests.cast import NOON, make_article, make_issue, make_newsletter, make_source, make_story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with an article that its next issue would have."""
    newsletter = make_newsletter(slug="tide", name="The Morning Tide")
    make_article(make_source(newsletter), title="Ferries run again")
    return newsletter


def test_the_example_is_from_what_would_be_built_now(tide: Newsletter) -> None:
    """A newsletter that has no issue yet shows its own stories."""
    result = example_of(tide, "subject", "{{ newsletter.name }}: {{ stories[0].title }}", NOON)
    assert result.text == "The Morning Tide: Ferries run again"
    assert result.unknown == ()
    assert tide.issues.count() == 0


def test_a_newsletter_without_articles_shows_an_example_story() -> None:
    """The page of a new newsletter is not empty."""
    assert (
        example_of(make_newsletter(), "subject", "{{ stories[0].title }}", NOON).text
        == "A headline"
    )


def test_an_issue_that_waits_comes_first(tide: Newsletter) -> None:
    """Its stories are those that will be sent; retracted and hidden ones are not."""
    issue = make_issue(tide, state="draft", slot=NOON)
    make_story(issue, title="The lead", retracted_at=NOON)
    make_story(issue, title="The next")
    make_issue(tide, state="done", slot=NOON.replace(year=NOON.year + 1))
    template = "{{ stories[0].title }}, {{ stories | length }}"
    assert example_of(tide, "subject", template, NOON).text == "The next, 1"
    issue.blocks.update(hidden=True)
    assert example_of(tide, "subject", template, NOON).text == ", 0"


def test_the_issue_that_is_edited_is_the_example(tide: Newsletter) -> None:
    """Whatever other issues there are."""
    edited, later = make_issue(tide, state="draft"), make_issue(tide, slot=NOON + timedelta(days=1))
    make_story(edited, title="Mine")
    make_story(later, title="Another")
    assert example_of(tide, "subject", "{{ stories[0].title }}", NOON, edited).text == "Mine"


def test_a_name_that_stands_for_nothing_is_named(tide: Newsletter) -> None:
    """A typing mistake renders as nothing, silently; variables of its own are not a mistake."""
    template = "{{ storys[0].title }}{% for s in stories %}{{ s.title }}{{ loop.index }}{% endfor %}{{ range(2)|list|length }}"  # noqa: E501
    assert example_of(tide, "subject", template, NOON).unknown == ("storys",)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ stories[0].title }", "The preview text template cannot be rendered.*line 1"),
        ("a\n{% if %}", "line 2"),
        ("{{ 'a' * 300000000 }}", "too much (time or )?memory|20000 characters"),
        ("{{ " + "(" * 2000 + " }}", "nested too deeply|cannot be rendered"),
        ("x" * 10_001, "longer than 10000 characters"),
    ],
)
def test_a_template_that_cannot_be_rendered_says_why(
    tide: Newsletter, template: str, reason: str
) -> None:
    """With its line; nothing that it asks for is computed here."""
    with pytest.raises(EditorTemplateError, match=reason):
        example_of(tide, "preview text", template, NOON)
