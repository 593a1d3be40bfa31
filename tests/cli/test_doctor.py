"""`digest doctor`."""

import pytest
from pytest_django.fixtures import Settings

from tests.cli.conftest import Digest


@pytest.mark.django_db
def test_doctor_exits_with_1_if_anything_fails(digest: Digest, settings: Settings) -> None:
    """On the screen and in JSON alike."""
    settings.DIGEST_SMTP_URL = ""
    result = digest("doctor")
    assert result.status == 1
    assert "fail  No mail server is set up." in result.out
    assert "Not fit to send yet." in result.out
    result = digest("doctor", "--json")
    assert (result.status, result.json["fit"]) == (1, False)
    assert {
        "level": "ok",
        "summary": "Valkey answers.",
        "advice": "",
        "record": "",
    } in result.json["findings"]
