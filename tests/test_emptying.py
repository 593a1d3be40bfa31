"""What a test committed is gone when the next one begins."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError

from digest.accounts import audit
from digest.accounts.models import AuditEntry
from digest.subscribers.models import Subscriber, Subscription
from tests import emptying
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_rows_go_and_the_rules_stay() -> None:
    """Append-only tables too; triggers and foreign keys hold again at once."""
    make_subscriber(make_newsletter())
    audit.record_command("ada", "did something", NOON)
    permissions = Permission.objects.count()
    assert emptying.empty()
    for model in (Subscriber, Subscription, AuditEntry):
        assert not model._default_manager.exists()
    assert Permission.objects.count() == permissions > 0
    fields = {"state": "active", "created_at": NOON, "confirmed_at": NOON}
    with pytest.raises(IntegrityError, match="foreign key"):
        Subscription.objects.create(subscriber=make_subscriber(), newsletter_id=0, **fields)


def test_many_rows_are_left_to_django(monkeypatch: pytest.MonkeyPatch) -> None:
    """It truncates, which leaves no dead rows."""
    monkeypatch.setattr(emptying, "MANY", 0)
    make_subscriber()
    assert not emptying.empty()
    assert Subscriber.objects.exists()
