"""The experiment of an issue by API: set, shown, ended, removed."""

import pytest

from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from tests.api.conftest import Caller
from tests.cast import NOON, make_issue, make_newsletter, make_publication, make_story

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    """A draft with two stories, whose clicks are counted."""
    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    make_story(issue, title="Dredging vote")
    make_story(issue, title="Forty seals")
    return issue


def test_leads_are_set_shown_and_removed(caller: Caller, issue: Issue) -> None:
    """Another call replaces them; without an experiment there is nothing to show."""
    path = f"/issues/{issue.pk}/experiment"
    assert caller("GET", path).status_code == 404
    second = issue.stories.get(position=1)
    values = caller.json("POST", path, {"leads": [second.pk], "share": 30, "minutes": 60})
    assert (values["kind"], values["share"], values["minutes"]) == ("leads", 30, 60)
    assert [row["label"] for row in values["variants"]] == ["Dredging vote", "Forty seals"]
    assert values["variants"][1]["story"] == second.pk
    assert (values["decides_at"], values["finding"], values["winner"]) == (None, None, None)
    values = caller.json("POST", path, {"subjects": ["Seals"]})
    assert (values["kind"], values["variants"][1]["label"]) == ("subjects", "Seals")
    assert caller("DELETE", f"{path}?revision=1").status_code == 409
    assert caller("DELETE", path).status_code == 204
    assert caller("GET", path).status_code == 404


def test_what_cannot_be_set(caller: Caller, issue: Issue) -> None:
    """The answer says what to change."""
    path = f"/issues/{issue.pk}/experiment"
    assert caller("POST", path, {"leads": [1], "share": 1}).status_code == 422
    first = issue.stories.get(position=0)
    answer = caller("POST", path, {"leads": [first.pk]})
    assert (answer.status_code, b"tested anyway" in answer.content) == (409, True)
    answer = caller("POST", path, {})
    assert (answer.status_code, b"one of the two" in answer.content) == (409, True)


def test_a_running_one_is_ended(caller: Caller, issue: Issue) -> None:
    """The rest gets what the caller chose; a second call comes too late."""
    path = f"/issues/{issue.pk}/experiment"
    assert caller("POST", f"{path}/end", {"variant": 1}).status_code == 409
    Experiment.objects.create(
        issue=issue, subjects=["Seals"], share=50, minutes=60, decides_at=NOON
    )
    Issue.objects.filter(pk=issue.pk).update(state="sending", planned_at=NOON)
    assert caller("POST", f"{path}/end", {"variant": 2}).status_code == 409
    values = caller.json("POST", f"{path}/end", {"variant": 1})
    assert (values["finding"], values["winner"]) == ("chosen", 1)
    assert values["variants"][0]["mails"] == 0
    assert caller("POST", f"{path}/end", {"variant": 0}).status_code == 409
    assert caller("DELETE", path).status_code == 409
