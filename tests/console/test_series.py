"""Series in the console: created, written, switched on with the number of mails, and watched."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from digest.accounts.models import AuditEntry
from digest.console.series import views
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.series import planning
from digest.series.models import Enrolment, Series
from tests.cast.newsletters import make_member, make_newsletter
from tests.cast.series import make_series, sign_up, steps_of
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client, newsletter: Newsletter) -> Client:
    """The newsletter's owner, signed in."""
    client.force_login(make_member(newsletter.publication))
    return client


def messages_of(client: Client, address: str, **values: object) -> str:
    """Press a button; return the page that follows, with its toast."""
    return client.post(address, values, follow=True).content.decode()


def test_a_series_from_its_name_to_its_first_mail(owner: Client, newsletter: Newsletter) -> None:
    """Created, its step published, switched on: the next sign-up is welcomed. All of it audited."""
    values = {"newsletter": newsletter.pk, "name": "Welcome", "trigger": "sign_up"}
    assert "Write its first mail" in messages_of(owner, "/admin/series/", **values)
    assert "already" in messages_of(owner, "/admin/series/", **values)
    series = Series.objects.get()
    page = f"/admin/series/{series.pk}/"
    assert "no mail yet" in owner.get(page).content.decode()
    step = f"/admin/series/steps/{series.steps.get().pk}/"
    assert "get this mail" in messages_of(owner, f"{step}publish/")
    assert "is on" in messages_of(owner, f"{page}switch/", active=1, mails=0)
    nadia = sign_up(newsletter)
    assert planning.plan_due(NOON) == 1
    assert nadia.email in owner.get(f"{page}subscribers/").content.decode()
    assert "Welcome" in owner.get(f"/admin/subscribers/{nadia.pk}/").content.decode()
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"created the series", "switched on the series"} <= actions


def test_a_search_of_subscribers_that_takes_long_is_ended(
    owner: Client, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so, and still has its search."""
    series = make_series(newsletter)
    nadia = sign_up(newsletter)
    page = f"/admin/series/{series.pk}/subscribers/"
    assert f">{nadia.email}<" in owner.get(page, {"q": "@"}).content.decode()

    def search_slowly(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if "LIKE" in sql:
            execute("SELECT pg_sleep(5)", None, many, context)
        return execute(sql, params, many, context)

    monkeypatch.setattr(views, "LIST_PATIENCE", 200)
    with connection.execute_wrapper(search_slowly):
        answer = owner.get(page, {"q": "@"}).content.decode()
    assert "No answer in time." in answer
    assert f">{nadia.email}<" not in answer
    assert 'value="@"' in answer


def test_everybody_is_mailed_only_with_their_number(owner: Client, newsletter: Newsletter) -> None:
    """Typed wrong, nothing happens, and the toast has the right one."""
    make_subscriber(newsletter)
    make_subscriber(newsletter)
    series = make_series(newsletter, active=False)
    page = f"/admin/series/{series.pk}/"
    assert "2 subscribers" in owner.get(page).content.decode()
    values = {"active": 1, "existing": "yes"}
    assert "2 mails at once" in messages_of(owner, f"{page}switch/", **values, mails=1)
    assert not Enrolment.objects.exists()
    assert "is on" in messages_of(owner, f"{page}switch/", **values, mails=2)
    assert Enrolment.objects.count() == 2
    assert "is off" in messages_of(owner, f"{page}switch/")


def test_steps_are_added_changed_ordered_and_removed(owner: Client, newsletter: Newsletter) -> None:
    """What cannot be is said on the page."""
    series = make_series(newsletter, active=False)
    page = f"/admin/series/{series.pk}/"
    assert "write its mail" in messages_of(owner, f"{page}steps/")
    first, second = steps_of(series)
    form = {"delay": 2, "unit": "hours", "condition": "tag", "tag": "VIP", "otherwise": "stop"}
    assert "was saved" in messages_of(owner, f"/admin/series/steps/{second.pk}/", **form)
    second.refresh_from_db()
    assert (second.delay_minutes, second.tag, second.otherwise) == (120, "vip", "stop")
    wrong = form | {"condition": "segment"}
    refusal = messages_of(owner, f"/admin/series/steps/{second.pk}/", **wrong)
    assert "Choose the segment" in refusal
    messages_of(owner, f"{page}order/", step=second.pk, move="up")
    assert [step.pk for step in steps_of(series)] == [second.pk, first.pk]
    assert "was removed" in messages_of(owner, f"/admin/series/steps/{second.pk}/remove/")
    assert "were saved" in messages_of(owner, page, name="Hello", hour_from=8, hour_until=20)
    assert "both hours" in messages_of(owner, page, name="Hello", hour_from=8)
    assert "was deleted" in messages_of(owner, f"{page}delete/")


def test_a_segment_or_issue_of_another_publication_cannot_be_chosen(
    owner: Client, newsletter: Newsletter
) -> None:
    """The form does not offer it."""
    series = make_series(newsletter, active=False)
    foreign = Issue.objects.create(
        newsletter=make_newsletter(), slot=NOON, state="sent", built_at=NOON, subject="Theirs"
    )
    (step,) = steps_of(series)
    form = {"delay": 0, "unit": "days", "otherwise": "skip", "stories": "chosen"}
    page = messages_of(owner, f"/admin/series/steps/{step.pk}/", **form, shown_issue=foreign.pk)
    assert "Theirs" not in page
    assert "Nothing was saved" in page or "valid choice" in page


def test_somebody_is_taken_out_on_their_page(owner: Client, newsletter: Newsletter) -> None:
    """And the draft's page leads back to its step, and offers nothing that sends."""
    series = make_series(newsletter)
    nadia = sign_up(newsletter)
    address = f"/admin/series/{series.pk}/take-out/"
    assert "was removed from" in messages_of(owner, address, subscriber=nadia.pk)
    assert series.enrolments.get().state == Enrolment.State.REMOVED
    draft = owner.get(f"/admin/issues/{steps_of(series)[0].draft_id}/").content.decode()
    assert f"/admin/series/steps/{steps_of(series)[0].pk}/" in draft
    assert "Send …" not in draft
    assert "Skip this issue" not in draft
    assert "Mail 1" not in owner.get("/admin/issues/").content.decode()
