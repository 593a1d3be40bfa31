"""Each kind of site analytics against a scripted server: what is asked, and what is read."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pytest_django.fixtures import Settings

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site.base import MOST_PAGES, PAGES_AT_ONCE, Account, PageViews, Period
from digest.analytics.site.kinds import KINDS
from tests.cast import NOON
from tests.provider_server import Answer, ProviderServer, Request

PERIOD = Period(NOON.replace(day=NOON.day - 1), NOON)
SITE = "https://courier.example/"
SEALS = "https://courier.example/seals"


@pytest.fixture(autouse=True)
def loopback(settings: Settings) -> None:
    """Let the scripted server be reached."""
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]


def account(server: ProviderServer, **fields: str) -> Account:
    """An account on the server."""
    defaults = {"site": "7", "username": "", "secret": "key"}
    return Account(site_url=SITE, address=server.url, **defaults | fields)


def views(kind: str, server: ProviderServer, **fields: str) -> list[PageViews]:
    """What the adapter reads."""
    return KINDS[kind].page_views(account(server, **fields), PERIOD)


def test_plausible_is_asked_for_pages_and_times() -> None:
    """By its second API, for both days; a page's path becomes an address."""
    rows = [
        {"dimensions": ["/seals"], "metrics": [12, 45.5]},
        {"dimensions": ["/"], "metrics": [3, None]},
    ]
    with ProviderServer(lambda _: Answer.of({"results": rows})) as server:
        pages = views("plausible", server, site="courier.example")
        request = server.requests[0]
    assert pages == [PageViews(SEALS, 12, 45.5), PageViews(SITE, 3, None)]
    assert request.path == "/api/v2/query"
    assert request.headers["Authorization"] == "Bearer key"
    assert request.json["site_id"] == "courier.example"
    assert request.json["metrics"] == ["pageviews", "time_on_page"]
    assert request.json["date_range"] == [f"{at:%Y-%m-%d}" for at in PERIOD]


def test_an_older_plausible_is_asked_for_pages_alone() -> None:
    """It refuses a question for times, which it does not have."""

    def script(request: Request) -> Answer:
        if "time_on_page" in request.json["metrics"]:
            return Answer.of({"error": "Invalid metric"}, 400)
        return Answer.of({"results": [{"dimensions": ["/seals"], "metrics": [12]}]})

    with ProviderServer(script) as server:
        assert views("plausible", server) == [PageViews(SEALS, 12, None)]


def test_matomo_gets_its_token_in_the_body() -> None:
    """Not in the address, which servers write into their logs."""
    rows = [{"label": "/seals", "url": SEALS, "nb_hits": 12, "avg_time_on_page": 30}]
    with ProviderServer(lambda _: Answer.of(rows)) as server:
        assert views("matomo", server) == [PageViews(SEALS, 12, 30.0)]
        request = server.requests[0]
    form = parse_qs(request.body.decode())
    assert request.path == "/index.php"
    assert (form["token_auth"], form["idSite"], form["flat"]) == (["key"], ["7"], ["1"])
    assert form["date"] == [f"{PERIOD.start:%Y-%m-%d},{PERIOD.end:%Y-%m-%d}"]


def test_matomos_own_errors_are_shown() -> None:
    """They come with the status 200."""
    error = {"result": "error", "message": "Authentication failed."}
    server = ProviderServer(lambda _: Answer.of(error))
    with server, pytest.raises(SiteAnalyticsError, match=r"failed\. Check the token"):
        views("matomo", server)


def test_umami_is_signed_in_to_or_has_a_key() -> None:
    """A user gets a token; version 2 knows no paths and is asked for URLs."""

    def pages(request: Request) -> Answer:
        question = parse_qs(urlsplit(request.path).query)
        if question["type"] == ["path"]:
            return Answer.of({"error": "Bad request"}, 400)
        return Answer.of([{"x": "/seals", "y": 12}])

    with ProviderServer(lambda _: Answer.of({"token": "t"}), pages=pages) as server:
        assert views("umami", server, username="ada") == [PageViews(SEALS, 12)]
        signing_in, refused, answered = server.requests
        assert signing_in.json == {"username": "ada", "password": "key"}
        assert refused.headers["Authorization"] == "Bearer t"
        assert urlsplit(answered.path).path == "/websites/7/metrics"
        question = parse_qs(urlsplit(answered.path).query)
        assert question["startAt"] == [str(int(PERIOD.start.timestamp() * 1000))]
        views("umami", server)
        assert server.requests[-1].headers["x-umami-api-key"] == "key"


def test_google_gets_a_signed_assertion(rsa_key: rsa.RSAPrivateKey) -> None:
    """Which is exchanged for a token; engagement is of all views, so it is divided by them."""
    rows = [
        {
            "dimensionValues": [{"value": "courier.example"}, {"value": "/seals"}],
            "metricValues": [{"value": "12"}, {"value": "360"}],
        }
    ]

    def script(request: Request) -> Answer:
        is_token = request.path == "/token"
        return Answer.of({"access_token": "t"} if is_token else {"rows": rows})

    with ProviderServer(script) as server:
        secret = key_file(rsa_key, f"{server.url}token")
        assert views("ga4", server, secret=secret) == [PageViews(SEALS, 12, 30.0)]
        exchange, report = server.requests
    assert report.path == "/v1beta/properties/7:runReport"
    assert report.headers["Authorization"] == "Bearer t"
    assertion = parse_qs(exchange.body.decode())["assertion"][0]
    signed, _, signature = assertion.rpartition(".")
    rsa_key.public_key().verify(
        decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    claims = json.loads(decoded(signed.partition(".")[2]))
    assert claims["iss"] == "digest@courier.example"
    assert claims["scope"].endswith("analytics.readonly")
    assert claims["exp"] > claims["iat"] == int(NOON.timestamp())


@pytest.mark.parametrize("secret", ["", "{}", "[1]", '{"client_email": 1}', "[" * 100_000])
def test_what_is_not_a_key_file_is_named(secret: str) -> None:
    """Before anything is asked."""
    with ProviderServer(lambda _: Answer()) as server:
        with pytest.raises(SiteAnalyticsError, match="service account"):
            views("ga4", server, secret=secret)
        assert server.requests == []


@pytest.mark.parametrize(
    "body",
    [
        "url,views,seconds\nhttps://courier.example/seals,12,30\n",
        "\ufeffviews,url,seconds,other\n12,/seals,30,x\n",
        '[{"url": "/seals", "views": 12, "seconds": 30}]',
    ],
)
def test_a_feed_is_csv_or_json(body: str) -> None:
    """Columns in any order, with or without a byte order mark; the token goes along."""
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, body.encode())) as server:
        assert views("feed", server) == [PageViews(SEALS, 12, 30.0)]
        assert server.requests[0].headers["Authorization"] == "Bearer key"


def test_a_feed_with_a_huge_field_is_an_error() -> None:
    """The csv module refuses it in its own words."""
    pages = b"url,views\n" + b"x" * 140_000 + b",1\n"
    server = ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, pages))
    with server, pytest.raises(SiteAnalyticsError, match="a form that is not known"):
        views("feed", server)


def test_a_feed_may_be_an_object_of_views() -> None:
    """As our own API takes it."""
    pages = b'{"/seals": 12, "https://courier.example/": "3"}'
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, pages)) as server:
        assert views("feed", server, secret="") == [PageViews(SEALS, 12), PageViews(SITE, 3)]
        assert "Authorization" not in server.requests[0].headers


def key_file(key: rsa.RSAPrivateKey, token_uri: str) -> str:
    """The JSON file that Google Cloud offers."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    names = {"client_email": "digest@courier.example", "token_uri": token_uri}
    return json.dumps({**names, "private_key": pem.decode()})


def decoded(text: str) -> bytes:
    """The bytes of unpadded base64."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    """The key of a service account."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("kind", ["plausible", "matomo", "umami", "feed"])
@pytest.mark.parametrize("content", [None, 1, "x", [[]], [1], [{"x": {}, "url": 1}]])
def test_an_unexpected_answer_is_an_error_that_says_so(kind: str, content: Any) -> None:
    """Whatever JSON it is."""
    answer = Answer.of(content)
    server = ProviderServer(lambda _: answer, pages=lambda _: answer)
    with server, pytest.raises(SiteAnalyticsError, match=r"Check|Add"):
        views(kind, server)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(401), "refused our key"),
        (Answer(404), "no such address or site"),
        (Answer(429, b"", {"Retry-After": "7200"}), "too often"),
        (Answer(500), "500"),
        (Answer(200, b"<html>Sign in</html>"), "did not answer in JSON"),
        (Answer(302, b"", {"Location": "https://elsewhere.example/"}), r"redirects \(302\)"),
        (Answer(200, b"[" * 2_000_000), "did not answer in JSON"),
        (Answer(200, b" " * 6_000_000), "larger than"),
    ],
)
def test_errors_say_what_to_check(answer: Answer, message: str) -> None:
    """A redirect is not followed: the key would go to whoever is named there."""
    server = ProviderServer(lambda _: answer)
    with server, pytest.raises(SiteAnalyticsError, match=message) as caught:
        views("plausible", server, secret="hidden-key")
    assert "hidden-key" not in str(caught.value)


def test_private_addresses_are_not_reached(settings: Settings) -> None:
    """Unless the operator names them."""
    settings.DIGEST_FETCH_ALLOW = []
    with ProviderServer(lambda _: Answer.of({"results": []})) as server:
        for kind in ("plausible", "matomo", "umami", "feed"):
            with pytest.raises(SiteAnalyticsError, match="DIGEST_FETCH_ALLOW"):
                views(kind, server, username="ada")
        assert server.requests == []


EMPTY = {
    "plausible": {"results": [], "meta": {}, "query": {}},
    "matomo": [],
    "umami": [],
    "ga4": {"rowCount": 0, "metadata": {"timeZone": "Pacific/Auckland"}},
    "feed": [],
}


@pytest.mark.parametrize("kind", KINDS)
def test_days_without_a_page_view_are_no_error(kind: str, rsa_key: rsa.RSAPrivateKey) -> None:
    """Google leaves the rows out then."""
    answer = Answer.of(EMPTY[kind])

    def script(request: Request) -> Answer:
        return Answer.of({"access_token": "t"}) if request.path == "/token" else answer

    with ProviderServer(script, pages=lambda _: answer) as server:
        secret = key_file(rsa_key, f"{server.url}token") if kind == "ga4" else "key"
        assert views(kind, server, secret=secret) == []


def _offset(request: Request) -> int:
    """The number of the first row that is asked for, however a software asks."""
    if "pagination" in request.body.decode():
        return int(request.json["pagination"]["offset"])
    if request.path.startswith("/v1beta"):
        return int(request.json["offset"])
    form = parse_qs(urlsplit(request.path).query) | parse_qs(request.body.decode())
    return int((form.get("offset") or form["filter_offset"])[0])


def _answer(kind: str, numbers: range) -> Answer:
    """Rows of the pages with these numbers, each viewed so many times."""
    rows: dict[str, Any] = {
        "plausible": {"results": [{"dimensions": [f"/{n}"], "metrics": [n, 1]} for n in numbers]},
        "matomo": [{"label": f"/{n}", "nb_hits": n} for n in numbers],
        "umami": [{"x": f"/{n}", "y": n} for n in numbers],
        "ga4": {
            "rows": [
                {
                    "dimensionValues": [{"value": "courier.example"}, {"value": f"/{n}"}],
                    "metricValues": [{"value": f"{n}"}, {"value": "0"}],
                }
                for n in numbers
            ]
        },
    }
    return Answer.of(rows[kind])


@pytest.mark.parametrize("kind", ["plausible", "matomo", "umami", "ga4"])
@pytest.mark.parametrize(
    ("pages", "questions"),
    [(2 * PAGES_AT_ONCE + 1, 3), (MOST_PAGES + 1, MOST_PAGES // PAGES_AT_ONCE)],
)
def test_a_large_site_is_asked_for_more_pages(
    kind: str, pages: int, questions: int, rsa_key: rsa.RSAPrivateKey
) -> None:
    """A thousand at a time, those with most views first; beyond 10,000 they are left out."""

    def script(request: Request) -> Answer:
        if request.path == "/token":
            return Answer.of({"access_token": "t"})
        rest = pages - _offset(request)
        return _answer(kind, range(rest, max(rest - PAGES_AT_ONCE, 0), -1))

    with ProviderServer(script, pages=script) as server:
        secret = key_file(rsa_key, f"{server.url}token") if kind == "ga4" else "key"
        rows = views(kind, server, secret=secret)
        assert len([row for row in server.requests if row.path != "/token"]) == questions
    assert [row.views for row in rows] == list(range(pages, 0, -1))[:MOST_PAGES]


def test_a_server_that_knows_no_offset_is_asked_twice() -> None:
    """It repeats its answer, and nothing is counted twice."""
    answer = _answer("umami", range(PAGES_AT_ONCE, 0, -1))
    with ProviderServer(lambda _: answer, pages=lambda _: answer) as server:
        assert len(views("umami", server)) == PAGES_AT_ONCE
        assert len(server.requests) == 2


@pytest.mark.parametrize("kind", ["plausible", "matomo", "umami", "feed"])
def test_of_a_huge_answer_the_most_viewed_pages_are_read(kind: str) -> None:
    """Whatever limit was asked for, and in whatever order the pages come."""
    numbers = range(1, MOST_PAGES + 501)
    rows: dict[str, Any] = {
        "plausible": {
            "results": [{"dimensions": [f"/{n}"], "metrics": [n, 10**400]} for n in numbers]
        },
        "matomo": [{"label": f"/{n}", "nb_hits": n, "avg_time_on_page": "NaN"} for n in numbers],
        "umami": [{"x": f"/{n}", "y": n} for n in numbers],
        "feed": [{"url": f"/{n}", "views": n, "seconds": -5} for n in numbers],
    }
    answer = Answer.of(rows[kind])
    if kind == "plausible":
        answer = Answer(200, answer.body.replace(str(10**400).encode(), b"1e999"))
    with ProviderServer(lambda _: answer, pages=lambda _: answer) as server:
        pages = views(kind, server)
    assert [page.views for page in pages] == list(reversed(numbers))[:MOST_PAGES]
    assert {page.seconds for page in pages} == {None}


@pytest.mark.parametrize("number", ["1e999", "NaN"])
@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("plausible", '{"results": [{"dimensions": ["/"], "metrics": [%s, 1]}]}'),
        ("matomo", '[{"label": "/", "nb_hits": %s}]'),
        ("umami", '[{"x": "/", "y": %s}]'),
        ("feed", '[{"url": "/", "views": %s}]'),
    ],
)
def test_a_number_of_views_that_is_none_is_an_error(kind: str, rows: str, number: str) -> None:
    """JSON of Python and JavaScript has such numbers."""
    answer = Answer(200, (rows % number).encode())
    server = ProviderServer(lambda _: answer, pages=lambda _: answer)
    with server, pytest.raises(SiteAnalyticsError, match=r"not known|Row 1 of the feed"):
        views(kind, server)


def test_a_row_of_a_feed_that_cannot_be_read_is_named() -> None:
    """By its number; nothing of the feed counts until it is corrected."""
    body = b"url,views\n/seals,12\n/ferry,many\n"
    server = ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, body))
    with server, pytest.raises(SiteAnalyticsError, match="Row 2 of the feed"):
        views("feed", server)
