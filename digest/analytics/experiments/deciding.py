"""Decide the subject tests whose time has come. Clicks come 45 seconds late, as they are judged."""

from datetime import datetime

from django.db import connection, transaction

from digest.analytics.experiments.comparing import Arm, Comparison, compare
from digest.analytics.judging import SETTLED
from digest.analytics.models import HitKind, Verdict
from digest.issues.models import Issue, SubjectTest
from digest.relays.models import Dispatch
from digest.sending.subjects import assigning

Finding = SubjectTest.Finding


def decide_due(now: datetime) -> list[SubjectTest]:
    """Decide tests of issues that are being sent, and send the rest of each; return the tests.

    A paused issue waits for its test until it is resumed.
    """
    due = SubjectTest.objects.filter(
        decides_at__lte=now - SETTLED - SETTLED / 2,
        decided_at=None,
        issue__state=Issue.State.SENDING,
    )
    tests = [decide(pk, now) for pk in due.values_list("pk", flat=True)]
    return [test for test in tests if test is not None]


@transaction.atomic
def decide(pk: int, now: datetime) -> SubjectTest | None:
    """Decide one test by the clicks until its end; None if another process was faster."""
    tests = SubjectTest.objects.select_for_update(of=("self",), skip_locked=True)
    test = tests.select_related("issue").filter(pk=pk, decided_at=None).first()
    if test is None:
        return None
    arms = arms_of(test)
    result = compare(arms)
    test.decided_at, test.winner = now, result.winner or 0
    test.finding = Finding.NO_DIFFERENCE if result.winner is None else Finding.WINNER
    test.results = _results(arms, result)
    test.save()
    assigning.finish(test, test.winner, now)
    return test


def arms_of(test: SubjectTest) -> list[Arm]:
    """Return what each subject has achieved until now, or until the test's end."""
    values = {"issue": test.issue_id, "until": test.decides_at}
    variants = range(len(test.subjects) + 1)
    with connection.cursor() as cursor:
        cursor.execute(_MAILS, values)
        mails = dict(cursor.fetchall())
        cursor.execute(_CLICKERS, values)
        clickers = dict(cursor.fetchall())
    return [Arm(mails.get(number, 0), clickers.get(number, 0)) for number in variants]


def _results(arms: list[Arm], result: Comparison) -> list[dict[str, float]]:
    return [
        {"mails": arm.mails, "clickers": arm.clickers, "best": round(best, 4)}
        for arm, best in zip(arms, result.best, strict=True)
    ]


_MAILS = f"""
SELECT choice.variant, count(*) FROM sending_subjectchoice AS choice
JOIN sending_anydelivery AS delivery USING (issue_id, subscriber_id)
WHERE choice.issue_id = %(issue)s AND choice.probability < 1
    AND delivery.state = {Dispatch.State.SENT:d} AND delivery.at <= %(until)s
GROUP BY 1
"""  # noqa: S608  numbers of ours
# Of a subscriber the choice says the variant; where nobody is named, the link does.
_CLICKERS = f"""
SELECT coalesce(choice.variant, hit.variant), count(DISTINCT hit.visitor)
FROM analytics_hit AS hit
LEFT JOIN sending_subjectchoice AS choice
    ON choice.issue_id = hit.issue_id AND choice.subscriber_id = hit.subscriber_id
WHERE hit.issue_id = %(issue)s AND hit.kind = {HitKind.CLICK:d} AND hit.at <= %(until)s
    AND hit.verdict = {Verdict.HUMAN:d}
    AND coalesce(choice.variant, hit.variant) IS NOT NULL
GROUP BY 1
"""  # noqa: S608
