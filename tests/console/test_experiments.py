"""The card "Test" on an issue's page, and what the statistics say of it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from tests.cast import NOON, make_issue, make_newsletter, make_publication, make_story
from tests.cast.accounts import make_superuser
from tests.cast.texts import SCRIPT

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    """A draft of a publication that counts clicks."""
    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    make_story(issue)
    return issue


@pytest.fixture
def browser(client: Client) -> Client:
    """Ada, signed in."""
    client.force_login(make_superuser())
    return client


def page(browser: Client, issue: Issue) -> str:
    """Return the text of an issue's page."""
    return browser.get(reverse("issue:detail", args=[issue.pk])).content.decode()


def press(browser: Client, issue: Issue, verb: str, **fields: object) -> str:
    """Press a button; return the page that follows."""
    address = reverse("issue:action", args=[issue.pk, verb])
    return browser.post(address, fields, follow=True).content.decode()


def test_a_test_is_saved_changed_and_removed(browser: Client, issue: Issue) -> None:
    """Empty fields are left out, and what is wrong is said."""
    fields = {"subject-1": SCRIPT, "subject-2": "", "subject-3": "Seals", "share": 20}
    text = press(browser, issue, "save_experiment", **fields, minutes=120)
    assert "20 % of the subscribers will test 3 subjects." in text
    assert "20 % of the subscribers, 2 hours; the rest gets the best one." in text
    assert SCRIPT not in text
    assert Experiment.objects.get().subjects == [SCRIPT, "Seals"]
    assert "15 minutes to 48 hours" in press(browser, issue, "save_experiment", **fields, minutes=1)
    assert "The test was removed" in press(browser, issue, "remove_experiment")
    assert not Experiment.objects.exists()


def test_what_was_refused_is_shown_once_more(browser: Client, issue: Issue) -> None:
    """With its reason at the form, which stands open; the next page has what is saved again."""
    fields = {"kind": "subjects", "subject-1": SCRIPT, "subject-2": "Orcas", "share": "17"}
    text = press(browser, issue, "save_experiment", **fields, minutes=1)
    assert 'value="Orcas"' in text
    assert 'value="17"' in text
    assert "<details open>" in text
    assert re.search(r'id="experiment-error">[^<]*15 minutes to 48 hours', text)
    assert SCRIPT not in text
    assert "Orcas" not in page(browser, issue)


def test_leads_that_were_refused_stay_chosen(browser: Client, issue: Issue) -> None:
    """In the form of leads, not that of subjects."""
    story = make_story(issue, position=1)
    fields = {"kind": "leads", "lead-1": story.pk, "share": 1, "minutes": 240}
    text = press(browser, issue, "save_experiment", **fields)
    assert f'<option value="{story.pk}" selected>' in text
    assert '<option value="240" selected>' in text
    assert text.count('id="experiment-error"') == 1


def test_an_address_that_was_refused_can_be_corrected(browser: Client, issue: Issue) -> None:
    """It stays on this issue's page alone."""
    press_address = reverse("issue:action", args=[issue.pk, "test"])
    assert browser.post(press_address, {"to": "nobody"}).status_code == 302
    assert 'value="nobody"' not in page(browser, make_issue(issue.newsletter, state="draft"))
    text = page(browser, issue)
    assert 'value="nobody" aria-invalid="true"' in text
    assert re.search(r'id="test-error">[^<]*not a valid email address', text)
    assert 'value="nobody"' not in page(browser, issue)


def test_without_clicks_the_card_says_why_not(browser: Client, issue: Issue) -> None:
    """And has no form."""
    publication = issue.newsletter.publication
    publication.tracking = "none"
    publication.save()
    text = page(browser, issue)
    assert "Nothing can be tested here. Clicks are not counted" in text
    assert 'name="subject-1"' not in text


def test_results_are_shown(browser: Client, issue: Issue) -> None:
    """While it runs with what there is, then with the winner."""
    test = Experiment.objects.create(
        issue=issue, subjects=["Seals"], share=50, minutes=60, decides_at=NOON
    )
    Issue.objects.filter(pk=issue.pk).update(state="sending", planned_at=NOON)
    text = page(browser, issue)
    assert "Testing until Mon 23 Nov 2026, 12:00 GMT" in text
    assert "not known yet" in text
    test.decided_at, test.winner, test.finding = NOON, 1, "winner"
    test.results = [
        {"mails": 500, "clickers": 20, "best": 0.021},
        {"mails": 499, "clickers": 41, "best": 0.979},
    ]
    test.save()
    text = page(browser, issue)
    assert "The others got the best one." in text
    assert "97.9" in text
    assert "8.2" in text
    assert text.count("badge-success") >= 1


def test_leads_are_tested_and_previewed(browser: Client, issue: Issue) -> None:
    """The form offers the stories that do not stand first; a preview shows each variant."""
    first = issue.stories.get()
    second = make_story(issue, title=SCRIPT)
    text = page(browser, issue)
    assert f'<option value="{second.pk}">' in text
    assert f'<option value="{first.pk}">' not in text
    fields = {"kind": "leads", "lead-1": second.pk, "share": 20, "minutes": 60}
    text = press(browser, issue, "save_experiment", **fields)
    assert "20 % of the subscribers will test 2 lead stories." in text
    assert f'<option value="{second.pk}" selected>' in text
    assert "data-variant" in text
    assert SCRIPT not in text
    address = reverse("issue:preview", args=[issue.pk, "text"])
    usual = browser.get(address).content.decode()
    other = browser.get(address, {"variant": 1}).content.decode()
    assert usual.index(first.title) < usual.index("alert(1)")
    assert other.index("alert(1)") < other.index(first.title)


def test_an_issue_with_one_story_has_no_other_lead(browser: Client, issue: Issue) -> None:
    """The card says so instead of an empty list."""
    assert "An issue with one story has no other lead." in page(browser, issue)


def test_a_running_test_is_ended_early(browser: Client, issue: Issue) -> None:
    """Who may send chooses what the others get; the issue's statistics have the result."""
    Experiment.objects.create(
        issue=issue, subjects=["Seals"], share=50, minutes=60, decides_at=NOON
    )
    Issue.objects.filter(pk=issue.pk).update(state="sending", planned_at=NOON)
    assert "Send it to the others" in page(browser, issue)
    assert "There is no variant 7" in press(browser, issue, "end_experiment", variant=7)
    text = press(browser, issue, "end_experiment", variant=1)
    assert "The others get the one that you chose." in text
    assert Experiment.objects.get().finding == "chosen"
    assert "Send it to the others" not in text
    statistics = browser.get(reverse("issue:statistics", args=[issue.pk])).content.decode()
    assert "Ended early on" in statistics
    assert "Chosen</span>" in statistics
