"""Each step of planning is made with what PostgreSQL knows of the steps before."""

import pytest
from django.db import connection

from digest.core import clock
from digest.sending import planning
from digest.sending.models import Chunk, SentDelivery
from digest.sending.planning import inserting
from tests.cast.issues import make_due
from tests.subscribers.test_import_statistics import analyzed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]
SUBSCRIBERS, STEP = 6_000, 2_000


def test_a_step_knows_what_was_sent_since_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders are at work between two steps."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE subscribers_subscriber, sending_sentdelivery CASCADE")
    issue = make_due(SUBSCRIBERS)
    sizes: list[int] = []
    insert_step = inserting.insert_step

    def send_and_insert(plan: inserting.Plan, after: int) -> int | None:
        sizes.append(analyzed(SentDelivery))
        last = insert_step(plan, after)
        rows = Chunk.objects.filter(highest__gt=after).values_list("subscriber_ids", flat=True)
        SentDelivery.objects.bulk_create(
            SentDelivery(issue=issue, subscriber_id=key, id=key, at=clock.now())
            for subscriber_ids in rows
            for key in subscriber_ids
            if key
        )
        return last

    monkeypatch.setattr(inserting, "FIRST_STEP", STEP)
    monkeypatch.setattr(inserting, "STEP", STEP)
    monkeypatch.setattr(inserting, "insert_step", send_and_insert)
    assert planning.plan_built() == [issue]
    assert sizes == [-1, STEP, 2 * STEP, 3 * STEP]
