"""Uncertain deliveries are resolved by a person, or by the relay's own log."""

import pytest

from digest.issues.models import Issue
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.sending import ledger, uncertain
from digest.sending.errors import DeliveryError
from digest.sending.models import Delivery
from digest.sending.outgoing import message_id
from digest.sending.progress import Progress, progress
from tests.cast import NOON, make_newsletter, make_running
from tests.sending.claiming import claim_batch

pytestmark = pytest.mark.django_db

State = Delivery.State
LOG = """\
Nov 23 12:00:01 mx postfix/cleanup[9]: 4F8BA12C: message-id={accepted}
Nov 23 12:00:01 mx postfix/qmgr[8]: 4F8BA12C: from=<n@courier.example>, nrcpt=1 (queue active)
Nov 23 12:00:02 mx postfix/cleanup[9]: 5A0000FF: message-id={begun}
Nov 23 12:00:02 mx postfix/smtpd[7]: lost connection after DATA (9 bytes) from localhost[127.0.0.1]
"""


def make_uncertain(subscribers: int) -> Issue:
    """Make an issue that is finished, with uncertain deliveries."""
    issue = make_running(subscribers, newsletter=make_newsletter(uncertain="hold"))
    batch = claim_batch(issue, subscribers, NOON)
    lost_reply = Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY, attempted=True)
    ledger.record(batch, [(row.id, lost_reply) for row in batch.rows], NOON)
    Issue.objects.filter(pk=issue.pk).update(state=Issue.State.SENT, finished_at=NOON)
    return issue


def test_uncertain_deliveries_are_listed_with_their_message_id() -> None:
    """Address and Message-ID."""
    issue = make_uncertain(2)
    [delivery, _] = uncertain.uncertain_deliveries(issue)
    row = Delivery.objects.get(pk=delivery.delivery)
    assert row.subscriber
    assert (delivery.email, delivery.message_id) == (
        row.subscriber.email,
        message_id(issue, row.subscriber),
    )


def test_deliveries_are_resolved_manually() -> None:
    """One as sent, one as failed, the third is sent again: then the issue continues."""
    issue = make_uncertain(3)
    first, second, _ = (row.email for row in uncertain.uncertain_deliveries(issue))
    assert uncertain.mark_sent(issue, NOON, first) == 1
    assert uncertain.mark_failed(issue, NOON, second) == 1
    assert uncertain.resend(issue, NOON) == 1
    assert progress(issue) == Progress(sent=1, failed=1, queued=1)
    issue.refresh_from_db()
    assert (issue.state, issue.finished_at) == (Issue.State.SENDING, None)


def test_only_uncertain_deliveries_can_be_resolved() -> None:
    """Neither of an issue nor of a subscriber without one."""
    issue = make_uncertain(1)
    with pytest.raises(DeliveryError, match="to nobody@"):
        uncertain.mark_sent(issue, NOON, "nobody@reader.example")
    uncertain.mark_sent(issue, NOON)
    with pytest.raises(DeliveryError, match="is uncertain"):
        uncertain.resend(issue, NOON)


@pytest.mark.parametrize("resend", [False, True])
def test_deliveries_are_resolved_by_the_relays_log(*, resend: bool) -> None:
    """A message that cleanup saw and that was never complete was not accepted."""
    issue = make_uncertain(2)
    accepted, unsettled = (row.message_id for row in uncertain.uncertain_deliveries(issue))
    lines = LOG.format(accepted=accepted, begun=unsettled).splitlines()
    assert uncertain.settle_by_log(issue, lines, NOON, resend=resend) == (1, int(resend))
    assert progress(issue) == Progress(sent=1, queued=int(resend), uncertain=int(not resend))


def test_a_list_of_message_ids_can_be_used() -> None:
    """With or without angle brackets; other lines are ignored."""
    lines = ["<a@courier.example>", " b@courier.example ", "", "no id", "c@d e@f"]
    assert uncertain.accepted_ids(lines) == {"<a@courier.example>", "<b@courier.example>"}
