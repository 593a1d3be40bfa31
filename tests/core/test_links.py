"""Signed tokens: ours and no others, for their purpose and no other, until their time is over."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core import links
from digest.core.errors import LinkError, LinkExpiredError, LinkGoneError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PURPOSES = ["unsubscribe", "confirm", "preferences", "preferences-fresh", "change", "change-undo"]

ids = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6)


@given(ids, st.sampled_from(PURPOSES))
def test_ids_are_read_again(numbers: list[int], purpose: str) -> None:
    """What was signed is what is read."""
    assert links.read(purpose, links.sign(purpose, *numbers)) == tuple(numbers)


@given(ids, st.sampled_from(PURPOSES), st.data())
def test_every_flipped_bit_is_refused(
    numbers: list[int], purpose: str, data: st.DataObject
) -> None:
    """No bit of a token may differ."""
    token = links.sign(purpose, *numbers)
    raw = bytearray(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LinkError):
        links.read(purpose, urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())


def test_each_single_bit_of_one_token_is_refused() -> None:
    """The same, without leaving any out."""
    token = links.sign("unsubscribe", 1_000_000, 12, 345)
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(len(raw) * 8):
        spoilt = bytearray(raw)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LinkError):
            links.read("unsubscribe", urlsafe_b64encode(bytes(spoilt)).rstrip(b"=").decode())


@given(ids, st.text(max_size=80))
def test_other_spellings_are_refused(numbers: list[int], tail: str) -> None:
    """A token has one spelling: nothing before, nothing after, no padding, no junk."""
    token = links.sign("confirm", *numbers)
    for spoilt in {token + tail, tail + token, token + "=", token[:-1]} - {token}:
        with pytest.raises(LinkError):
            links.read("confirm", spoilt)


@given(ids, st.permutations(PURPOSES))
def test_another_purpose_is_refused(numbers: list[int], order: list[str]) -> None:
    """A link to leave does not confirm, and so on."""
    with pytest.raises(LinkError):
        links.read(order[0], links.sign(order[1], *numbers))


@given(st.integers(1, 2**40), st.integers(1, 2**40), st.integers(1, 2**40))
def test_another_subscriber_has_another_token(first: int, second: int, newsletter: int) -> None:
    """The tag of one subscriber does not fit to the ids of another."""
    if first == second:
        return
    first_token = links.sign("unsubscribe", first, newsletter, 0)
    second_token = links.sign("unsubscribe", second, newsletter, 0)
    raw = [
        urlsafe_b64decode(token + "=" * (-len(token) % 4)) for token in (first_token, second_token)
    ]
    forged = raw[1][:-16] + raw[0][-16:]
    with pytest.raises(LinkError):
        links.read("unsubscribe", urlsafe_b64encode(forged).rstrip(b"=").decode())


@given(ids, st.integers(0, 10_000), st.integers(1, 10_000))
def test_an_expired_token_is_refused(numbers: list[int], early: int, late: int) -> None:
    """It works up to its last second, and says what it was about afterwards."""
    token = links.sign_until("confirm", NOON, *numbers)
    assert links.read_until("confirm", token, NOON - timedelta(seconds=early)) == tuple(numbers)
    with pytest.raises(LinkExpiredError) as refused:
        links.read_until("confirm", token, NOON + timedelta(seconds=late))
    assert refused.value.ids == tuple(numbers)


def test_older_keys_still_open(settings: pytest.FixtureRequest) -> None:
    """A new secret key may keep the old ones' links alive."""
    token = links.sign("unsubscribe", 1, 2, 3)
    old = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY = "a new one"  # type: ignore[attr-defined]
    with pytest.raises(LinkError):
        links.read("unsubscribe", token)
    settings.SECRET_KEY_FALLBACKS = [old]  # type: ignore[attr-defined]
    assert links.read("unsubscribe", token) == (1, 2, 3)


def row(pk: int) -> links.Row:
    """A row of today with this id."""
    return links.Row(pk, uuid4())


@given(ids, st.sampled_from(PURPOSES))
def test_a_link_belongs_to_its_rows_for_ever(pks: list[int], purpose: str) -> None:
    """Rows that get the same ids later are refused, and so is another order."""
    rows = [row(pk) for pk in pks]
    link = links.read_rows(purpose, links.sign_rows(purpose, *rows), count=len(rows))
    assert link.ids == tuple(pks)
    link.require(*rows)
    replaced = [[*rows[:at], row(rows[at].pk), *rows[at + 1 :]] for at in range(len(rows))]
    for later in [*replaced, rows[1:], [*rows, rows[0]], *([rows[::-1]] if len(rows) > 1 else [])]:
        with pytest.raises(LinkGoneError):
            link.require(*later)


@given(ids, st.integers(0, 2))
def test_a_token_for_another_number_of_rows_is_refused(pks: list[int], more: int) -> None:
    """Too many, too few, and tokens that name no rows at all."""
    token = links.sign_rows("story", *map(row, pks))
    with pytest.raises(LinkError):
        links.read_rows("story", token, count=len(pks) + more - 1 if more != 1 else 0)
    with pytest.raises(LinkError):
        links.read_rows("story", links.sign("story", 7), count=1)


@given(ids, st.integers(-5, 5))
def test_a_link_to_rows_may_expire(pks: list[int], late: int) -> None:
    """It still says what it was about, until when, and whether it belongs to these rows."""
    rows = [row(pk) for pk in pks]
    token = links.sign_rows_until("confirm", NOON, *rows)
    link, until = links.read_rows_until("confirm", token, NOON + timedelta(seconds=late))
    assert (link.ids, until, link.expired) == (tuple(pks), NOON, late > 0)
    link.require(*rows)


def test_mail_addresses_that_leave_fit_into_a_local_part(settings: pytest.FixtureRequest) -> None:
    """unsubscribe+token@ stays within 64 octets (RFC 5321 §4.5.3.1.1), with large ids."""
    settings.DIGEST_INBOUND_DOMAIN = "in.courier.example"  # type: ignore[attr-defined]
    subscriber, newsletter = row(2**40), row(2**20)
    _, mailto = links.ways_out(subscriber, newsletter, 2**31)
    local = mailto.removeprefix("mailto:").partition("@")[0]
    assert len(local) <= 64
    link = links.read_unsubscribe_token(local.partition("+")[2])
    assert (link.subscriber, link.newsletter, link.issue) == (2**40, 2**20, 2**31)
    link.require(subscriber, newsletter)
    for later in ((row(2**40), newsletter), (subscriber, row(2**20))):
        with pytest.raises(LinkGoneError):
            link.require(*later)


@given(st.integers(0, 2**35 - 1), st.integers(0, 2**42 - 1))
def test_a_bounce_token_survives_any_case_and_fits(issue: int, subscriber: int) -> None:
    """Servers on the way may write it in capitals; `bounce+` and it are a local part."""
    rows = row(issue), row(subscriber)
    token = links.bounce_token(*rows)
    assert len(f"bounce+{token}") <= 64
    for spelt in (token, token.upper(), token.title()):
        link = links.read_bounce_token(spelt)
        assert link.ids == (issue, subscriber)
        link.require(*rows)
        with pytest.raises(LinkGoneError):
            link.require(rows[0], row(subscriber))
        with pytest.raises(LinkGoneError):
            link.require(row(issue), rows[1])


@given(st.text("abcdefghijklmnopqrstuvwxyz234567=+-é", max_size=80))
def test_a_made_up_bounce_token_is_refused(token: str) -> None:
    """So nobody can have a subscriber suppressed by writing to an address."""
    with pytest.raises(LinkError):
        links.read_bounce_token(token)


def test_a_bounce_token_of_another_purpose_is_refused() -> None:
    """A token from a link is none."""
    with pytest.raises(LinkError):
        links.read_bounce_token(links.sign_rows("bounce", row(1), row(2)))
    with pytest.raises(LinkError):
        links.read_unsubscribe_token(links.bounce_token(row(1), row(2)))
