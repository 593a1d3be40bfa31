"""From a click in a mail to the statistics and the site, through the real workers and beat."""

import json
import re
import time
from email import message_from_bytes, policy
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from lxml import html

from digest.analytics.verdicts.single import NOBODY_SECONDS
from digest.embedded.sample import paper
from tests.journeys.upside import Up, digest

pytestmark = pytest.mark.journey

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HARBOUR = "harbour-dredging-vote"
SEALS = "seal-count"  # which visitors of the site read most
SECONDS = 180  # a hit waits 45 seconds, and popularity for a minute at most


def get(url: str, user_agent: str = FIREFOX) -> tuple[str, str]:
    """Request an address; return where it leads, if it does, and what it answers."""
    parts = urlsplit(url)
    client = HTTPConnection(parts.netloc, timeout=20)
    client.request("GET", parts.path, headers={"User-Agent": user_agent})
    answer = client.getresponse()
    return answer.getheader("Location", ""), answer.read().decode()


def link_to(up: Up, slug: str) -> str:
    """Return the tracked link of a story in the first digest."""
    [title] = [story.title for story in paper.stories() if story.slug == slug]
    message = message_from_bytes(up.mails()[0].read_bytes(), policy=policy.default)
    part = message.get_body(("html",))
    assert part
    document = html.fromstring(part.get_content())
    addresses = {
        "".join(map(str, link.itertext())).strip(): link.get("href") for link in document.iter("a")
    }
    address = addresses[title]
    assert address
    return str(address)


def popular(up: Up) -> list[str]:
    """Return the stories that the line of script draws on the paper's pages, in their order."""
    _, script = get(f"{up.url}/embed/{paper.NEWSLETTER}/popular.js")
    call = re.search(r"^digestEmbed\((.*)\);$", script, re.MULTILINE)
    assert call
    return [article["url"].rpartition("/")[2] for article in json.loads(call[1])["articles"]]


def leads(up: Up) -> bool:
    """Say whether the harbour is more popular than the seals; both are in the mail."""
    slugs = popular(up)
    return slugs.index(HARBOUR) < slugs.index(SEALS)


def test_a_click_makes_a_story_popular(delivered: Up) -> None:
    """One of a person; that of a program is filtered. The command line has both."""
    assert not leads(delivered)
    time.sleep(NOBODY_SECONDS + 1)  # a person has to open the mail first
    link = link_to(delivered, HARBOUR)
    target, _ = get(link)
    assert target.endswith(f"/sample/{HARBOUR}")
    get(link, "curl/8.9.1")
    delivered.wait_for(lambda: leads(delivered), SECONDS, "a popular story")
    issue = json.loads(digest("issue", "list", "--json", data=delivered.data).stdout)[0]["id"]
    answer = digest("stats", "issue", str(issue), "--json", data=delivered.data).stdout
    numbers = json.loads(answer)["numbers"]
    assert (numbers["clicks"], numbers["filtered_clicks"]) == (1, 1)
