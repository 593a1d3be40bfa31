"""Sessions are kept as long as somebody can use them."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from digest.core import clock
from tests.cast import make_member
from workers.tasks import webhooks

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


def test_a_session_that_ended_is_deleted() -> None:
    """Two weeks after somebody signed in: it says who."""
    browser, other = Client(), Client()
    user = make_member(None)
    browser.force_login(user)
    other.force_login(user)
    ended = browser.cookies[settings.SESSION_COOKIE_NAME].value
    webhooks.delete_old_webhook_deliveries()
    assert Session.objects.count() == 2
    Session.objects.filter(pk=ended).update(expire_date=clock.now() - timedelta(seconds=1))
    webhooks.delete_old_webhook_deliveries()
    assert Session.objects.get().pk == other.cookies[settings.SESSION_COOKIE_NAME].value
