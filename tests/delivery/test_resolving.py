"""What is in doubt is resolved by a person, or by the relay's own log."""

import pytest

from digest.delivery import ledger, resolving
from digest.delivery.addressing import message_id
from digest.delivery.errors import DeliveryError
from digest.delivery.models import Delivery
from digest.delivery.progress import Progress, progress
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from tests.cast import NOON, make_newsletter, make_running

pytestmark = pytest.mark.django_db

State = Delivery.State
LOG = """\
Nov 23 12:00:01 mx postfix/cleanup[9]: 4F8BA12C: message-id={taken}
Nov 23 12:00:01 mx postfix/qmgr[8]: 4F8BA12C: from=<n@courier.example>, nrcpt=1 (queue active)
Nov 23 12:00:02 mx postfix/cleanup[9]: 5A0000FF: message-id={begun}
Nov 23 12:00:02 mx postfix/smtpd[7]: lost connection after DATA (9 bytes) from localhost[127.0.0.1]
"""


def make_doubtful(readers: int) -> Edition:
    """An edition that is done, but for readers in doubt."""
    edition = make_running(readers, newsletter=make_newsletter(in_doubt="hold"))
    batch = ledger.claim(edition, readers, NOON)
    doubt = Outcome(State.IN_DOUBT, None, ledger.DOUBT, attempted=True)
    ledger.record(batch, [(row.id, doubt) for row in batch.rows], NOON)
    Edition.objects.filter(pk=edition.pk).update(state=Edition.State.SENT, finished_at=NOON)
    return edition


def test_a_list_says_what_to_look_for() -> None:
    """Address and Message-ID."""
    edition = make_doubtful(2)
    [one, _] = resolving.doubts(edition)
    row = Delivery.objects.get(pk=one.delivery)
    assert row.subscriber
    assert (one.email, one.message_id) == (
        row.subscriber.email,
        message_id(edition, row.subscriber.pk),
    )


def test_a_person_knows() -> None:
    """One sent, one given up, the third sent again: then the edition goes on."""
    edition = make_doubtful(3)
    first, second, _ = (one.email for one in resolving.doubts(edition))
    assert resolving.settle_as_sent(edition, NOON, first) == 1
    assert resolving.give_up(edition, NOON, second) == 1
    assert resolving.send_again(edition, NOON) == 1
    assert progress(edition) == Progress(sent=1, failed=1, queued=1)
    edition.refresh_from_db()
    assert (edition.state, edition.finished_at) == (Edition.State.SENDING, None)


def test_without_a_doubt_there_is_nothing_to_resolve() -> None:
    """Nor for a reader who is in none."""
    edition = make_doubtful(1)
    with pytest.raises(DeliveryError, match="of nobody@"):
        resolving.settle_as_sent(edition, NOON, "nobody@reader.example")
    resolving.settle_as_sent(edition, NOON)
    with pytest.raises(DeliveryError, match="is in doubt"):
        resolving.send_again(edition, NOON)


@pytest.mark.parametrize("resend", [False, True])
def test_the_relays_log_knows(*, resend: bool) -> None:
    """A message that cleanup saw and that never got whole was not taken."""
    edition = make_doubtful(2)
    taken, begun = (one.message_id for one in resolving.doubts(edition))
    lines = LOG.format(taken=taken, begun=begun).splitlines()
    assert resolving.settle_by_log(edition, lines, NOON, resend=resend) == (1, int(resend))
    assert progress(edition) == Progress(sent=1, queued=int(resend), in_doubt=int(not resend))


def test_a_list_of_message_ids_will_do() -> None:
    """With or without angle brackets; other lines count for nothing."""
    lines = ["<a@courier.example>", " b@courier.example ", "", "no id", "c@d e@f"]
    assert resolving.taken_by(lines) == {"<a@courier.example>", "<b@courier.example>"}
