"""Cells with several values, as the exports of other systems write them."""

import pytest

from digest.subscribers.importing.cells import read_tags


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("press, VIP", ("press", "vip")),
        ("press; VIP;", ("press", "vip")),
        ('"press","of old, and new"', ("press", "of old, and new")),  # Mailchimp
        ("{press,vip}", ("press", "vip")),  # PostgreSQL
        ("['press', 'vip']", ("press", "vip")),  # Python
        ('["press", "l\'été"]', ("press", "l'été")),  # JSON
        ([{"name": "press"}, {"id": 1}, "vip"], ("press", "vip")),  # an API
        ("press\nvip", ("press", "vip")),
        ("[press", ("press",)),
        ('"press; old","vip"', ("press; old", "vip")),
        ('"press";"old, new"', ("press", "old, new")),
        ("'90s, VIP", ("'90s", "vip")),
        (",;, press ,press", ("press",)),
        (None, ()),
        ("", ()),
    ],
)
def test_tags_are_read_however_a_system_writes_them(cell: object, tags: tuple[str, ...]) -> None:
    """Each once, in lowercase; what is none is left out."""
    assert read_tags(cell) == tags
