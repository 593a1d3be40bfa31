"""The console's pages with 1,000 subscribers and 20,000 deliveries, and with 1,000 times as many.

Both in one run and in turns, through Django's whole stack and a real PostgreSQL, medians of many.
Of the twenty issues the two newest are current, one of them going out; the others are put away.
DIGEST_SUBSCRIBERS sets the larger number (1,000,000).
"""

from datetime import timedelta
from typing import Any

from benchmarks._pages import FEW, MANY, Pages, editor, make_subscribers, run, set_up, visits
from benchmarks._sides import compare_sizes

ISSUES = 20


def main() -> None:
    """Time the pages at both sizes and print the ratios."""
    set_up()
    compare_sizes(lambda subscribers: visits(_fill(subscribers)), FEW, MANY)


def _fill(subscribers: int) -> Pages:
    """Create all rows again; return each page's address, and who asks for it."""
    from digest.core import clock
    from digest.issues.models import Issue
    from tests.cast import make_article, make_issue, make_newsletter, make_schedule, make_story

    run(
        "TRUNCATE subscribers_subscriber, issues_issue, sending_delivery,"
        " sending_pastdelivery, sending_tally, newsletters_newsletter, subscribers_growth CASCADE"
    )
    newsletter = make_newsletter(approval="one")
    make_schedule(newsletter)
    _make_subscribers(subscribers, newsletter.pk)
    now = clock.now()
    issues = []
    for number in range(ISSUES):
        at = now - timedelta(days=ISSUES - number)
        issue = make_issue(newsletter, slot=at, state=Issue.State.SENT, subject=f"No. {number}")
        Issue.objects.filter(pk=issue.pk).update(planned_at=at, finished_at=at)
        for rank in range(12):
            make_story(issue, title=f"Story {rank}", article=make_article())
        if number < ISSUES - 2:
            _put_away(issue.pk)
        else:
            _current(issue.pk, goes_on=number == ISSUES - 1)
        issues.append(issue.pk)
    going, sent, old = issues[-1], issues[-2], issues[0]
    Issue.objects.filter(pk=going).update(state=Issue.State.SENDING, finished_at=None)
    draft = make_issue(newsletter, slot=now + timedelta(days=1), state=Issue.State.DRAFT)
    for rank in range(12):
        make_story(draft, title=f"Story {rank}", article=make_article())
    run("VACUUM ANALYZE")
    clients = {"console": editor(), "api": _api_client()}
    pages = _pages(going, sent, old, draft.pk)
    return {name: (clients[client], address) for name, (client, address) in pages.items()}


def _pages(going: int, sent: int, old: int, draft: int) -> dict[str, tuple[str, str]]:
    from digest.subscribers.models import Subscriber

    keys = Subscriber.objects.order_by("pk").values_list("pk", "address_key")
    subscriber, address = keys[keys.count() * 9 // 10]
    list_of = "/admin/issues/{}/deliveries/".format
    return {
        "Home": ("console", "/admin/"),
        "Home, sending": ("console", "/admin/home/sending/"),
        "issue, going out": ("console", f"/admin/issues/{going}/"),
        "issue, sent": ("console", f"/admin/issues/{old}/"),
        "issue, draft": ("console", f"/admin/issues/{draft}/"),
        "issue, progress": ("console", f"/admin/issues/{going}/progress/"),
        "subscribers": ("console", "/admin/subscribers/"),
        "subscribers, search": ("console", f"/admin/subscribers/?q={address[:7]}"),
        "subscribers, deep": ("console", f"/admin/subscribers/?after={address}"),
        "a subscriber": ("console", f"/admin/subscribers/{subscriber}/"),
        "deliveries, current": ("console", list_of(sent)),
        "deliveries, current, failed": ("console", list_of(sent) + "?state=failed"),
        "deliveries, current, deep": ("console", f"{list_of(sent)}?after=subscriber-{subscriber}"),
        "deliveries, going out, queued": ("console", list_of(going) + "?state=queued"),
        "deliveries, put away": ("console", list_of(old)),
        "deliveries, put away, failed": ("console", list_of(old) + "?state=failed"),
        "deliveries, put away, deep": ("console", f"{list_of(old)}?after=past-{subscriber}"),
        "issues": ("console", "/admin/issues/"),
        "API, subscribers": ("api", "/api/v1/subscribers?limit=50"),
        "API, one subscriber": ("api", f"/api/v1/subscribers?email={address}"),
        "API, deliveries, failed": ("api", f"/api/v1/issues/{sent}/deliveries?state=failed"),
        "metrics": ("api", "/metrics"),
        "API, progress": ("api", f"/api/v1/issues/{going}/progress"),
    }


def _make_subscribers(subscribers: int, newsletter: int) -> None:
    make_subscribers(subscribers, newsletter)
    run(
        "INSERT INTO subscribers_consentevent (subscriber_id, newsletter_id, action, at, via,"
        " wording, wording_version) SELECT id, %s, 'imported', now(), 'import', '', ''"
        " FROM subscribers_subscriber",
        newsletter,
    )


# Of a hundred one is suppressed, two fail.
_STATE = "CASE subscriber.id %% 100 WHEN 0 THEN 5 WHEN 1 THEN 4 WHEN 2 THEN 4 ELSE 3 END"


def _put_away(issue: int) -> None:
    run(
        "INSERT INTO sending_pastdelivery (id, issue_id, subscriber_id, at, state, attempts,"
        f" reply_code, reply) SELECT subscriber.id, %s, subscriber.id, now(), {_STATE}, 1, 250,"
        " '250 2.0.0 taken' FROM subscribers_subscriber AS subscriber ORDER BY id",
        issue,
    )
    run(
        "INSERT INTO sending_tally (issue_id, state, deliveries, at) SELECT %s, state, count(*),"
        f" now() FROM (SELECT {_STATE} AS state FROM subscribers_subscriber AS subscriber)"
        " AS of_all GROUP BY state",
        issue,
    )


def _current(issue: int, *, goes_on: bool) -> None:
    waits = "subscriber.id %% 2 = 0" if goes_on else "false"
    run(
        "INSERT INTO sending_delivery (issue_id, subscriber_id, state, due_at, attempts,"
        " first_attempt_at, times_uncertain, settled_at, reply_code, reply)"
        " SELECT %s, subscriber.id,"
        f" CASE WHEN {waits} THEN 0 ELSE {_STATE} END, now(),"
        f" CASE WHEN {waits} THEN 0 ELSE 1 END, CASE WHEN {waits} THEN NULL ELSE now() END, 0,"
        f" CASE WHEN {waits} THEN NULL ELSE now() END, CASE WHEN {waits} THEN NULL ELSE 250 END,"
        f" CASE WHEN {waits} THEN '' ELSE '250 2.0.0 taken' END"
        " FROM subscribers_subscriber AS subscriber ORDER BY id",
        issue,
    )


def _api_client() -> Any:
    from django.test import Client

    from digest.accounts import tokens
    from digest.accounts.models import Token, User
    from digest.accounts.scopes import Scope
    from digest.core import clock

    Token.objects.all().delete()
    owner = User.objects.get(email="ada@courier.example")
    _, secret = tokens.create("benchmark", owner, list(Scope), now=clock.now())
    return Client(headers={"Authorization": f"Bearer {secret}"})


if __name__ == "__main__":
    main()
