"""The archive shows what went out, and only that."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from digest.core import links
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.rendering.links import online_url, share_links
from digest.sending.outgoing import compose_sample
from digest.subscribers.segments import saving
from digest.transfers.models import PastIssue
from tests.cast import NOON, make_block, make_issue, make_newsletter, make_story

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def out(newsletter: Newsletter, **fields: object) -> Issue:
    """An issue that went out, with one story."""
    defaults = {"state": Issue.State.SENT, "planned_at": NOON, "finished_at": NOON}
    issue = make_issue(newsletter, **defaults | fields)
    make_story(issue, title="Seals return to the sandbank")
    return issue


def text(client: Client, address: str, status: int = 200) -> str:
    """The body of an answer of the status expected."""
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_list_is_latest_first_with_the_zone(client: Client, newsletter: Newsletter) -> None:
    """Each issue is listed by subject, with its time in the publication's zone, latest first."""
    out(newsletter, subject="The older one")
    out(newsletter, subject="The newer <one>", slot=NOON + timedelta(days=1))
    page = text(client, f"/archive/{newsletter.slug}")
    assert page.index("The newer &lt;one&gt;") < page.index("The older one")
    assert "Mon 23 Nov 2026, 12:00 GMT" in page


def test_pages_say_when_an_issue_was_sent(client: Client, newsletter: Newsletter) -> None:
    """Not the slot that it was sent before: that would be a date in the future."""
    out(newsletter, slot=NOON + timedelta(days=1), send_at=NOON, archive_access="subscribers")
    key = f"{NOON + timedelta(days=1):%Y%m%dT%H%M%SZ}"
    for path in ("", f"/{key}"):
        page = text(client, f"/archive/{newsletter.slug}{path}")
        assert "Mon 23 Nov 2026, 12:00 GMT" in page
    catalogue = text(client, f"/newsletters/{newsletter.publication.slug}")
    assert "Mon 23 Nov 2026, 12:00 GMT" in catalogue
    out(newsletter, planned_at=NOON + timedelta(hours=1))  # its own slot is the earlier one
    feed = ET.fromstring(text(client, f"/archive/{newsletter.slug}/feed.xml"))
    assert feed.findtext(f"{ATOM}entry/{ATOM}published") == NOON.isoformat()
    assert feed.findtext(f"{ATOM}updated") == (NOON + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("language", "moment"),
    [("de", "23. November 2026, 12:00 GMT"), ("es", "23 de noviembre de 2026, 12:00 GMT")],
)
def test_moments_are_in_the_language_of_the_page(
    client: Client, newsletter: Newsletter, language: str, moment: str
) -> None:
    """As everything on it."""
    out(newsletter)
    assert moment in text(client, f"/archive/{newsletter.slug}?lang={language}")


def test_empty_list_says_so(client: Client, newsletter: Newsletter) -> None:
    """A newsletter that never went out has a page that says it."""
    assert "No issues yet" in text(client, f"/archive/{newsletter.slug}")


def test_long_list_has_pages(client: Client, newsletter: Newsletter) -> None:
    """Fifty issues stand on a page, and a page that is none shows the first or last."""
    for day in range(51):
        make_issue(
            newsletter,
            slot=NOON + timedelta(days=day),
            state=Issue.State.SENT,
            planned_at=NOON,
            subject=f"Issue of day {day}.",
        )
    first = text(client, f"/archive/{newsletter.slug}?page=junk")
    assert "Issue of day 50." in first
    assert "Issue of day 0." not in first
    assert "Issue of day 0." in text(client, f"/archive/{newsletter.slug}?page=2")


@pytest.mark.parametrize("state", ["sending", "paused", "sent"])
def test_issue_is_the_compiled_document(client: Client, newsletter: Newsletter, state: str) -> None:
    """An issue is served as it was compiled, under a policy that lets nothing run."""
    issue = out(newsletter, state=state)
    answer = client.get(f"/archive/{newsletter.slug}/{issue.key}")
    assert answer.status_code == 200
    assert "Seals return to the sandbank" in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src https: http: data:")
    assert "script" not in policy


def test_link_in_a_mail_leads_to_its_issue(client: Client, newsletter: Newsletter) -> None:
    """To its public address, and to no other issue that may get its id or its slot later."""
    issue = out(newsletter)
    link = links.issue_url(issue)
    assert link in compose_sample(issue).decode().replace("=\r\n", "")
    path = link.removeprefix("https://digest.example")
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/archive/{newsletter.slug}/{issue.key}",
    )
    Issue.objects.update(uuid=uuid4())
    assert "no longer valid" in text(client, path, status=410)
    issue.delete()
    assert "no longer valid" in text(client, path, status=410)


def test_issue_has_nothing_for_one_subscriber(client: Client, newsletter: Newsletter) -> None:
    """The public version has no unsubscribe link and names no subscriber."""
    page = text(client, f"/archive/{newsletter.slug}/{out(newsletter).key}")
    assert "nsubscribe" not in page
    assert "Sent to" not in page


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("skipped", {"reason": "nothing new"}),
        ("cancelled", {"planned_at": NOON}),
        ("built", {}),
        ("paused", {}),
    ],
)
def test_what_did_not_go_out_is_hidden(
    client: Client, newsletter: Newsletter, state: str, fields: dict[str, object]
) -> None:
    """Skipped, cancelled and unplanned issues are nowhere: 404, not listed, not in the feed."""
    issue = make_issue(newsletter, state=state, subject="A secret subject", **fields)
    text(client, f"/archive/{newsletter.slug}/{issue.key}", status=404)
    assert "A secret subject" not in text(client, f"/archive/{newsletter.slug}")
    assert "A secret subject" not in text(client, f"/archive/{newsletter.slug}/feed.xml")


@pytest.mark.parametrize("key", ["junk", "20261123T070000", "20261340T070000Z", "2026112T0700000Z"])
def test_strange_keys_are_404(client: Client, newsletter: Newsletter, key: str) -> None:
    """A key that is none is a page that is not there."""
    assert "Page not found" in text(client, f"/archive/{newsletter.slug}/{key}", status=404)


def test_issue_belongs_to_its_newsletter(client: Client, newsletter: Newsletter) -> None:
    """An issue cannot be read under another newsletter's address."""
    issue = out(newsletter)
    text(client, f"/archive/{make_newsletter().slug}/{issue.key}", status=404)


def test_feed_is_atom(client: Client, newsletter: Newsletter) -> None:
    """The feed parses as Atom, with absolute links and everything escaped."""
    issue = out(newsletter, subject="Tom & <Jerry>", preheader="And “more”")
    root = ET.fromstring(text(client, f"/archive/{newsletter.slug}/feed.xml"))
    assert root.tag == f"{ATOM}feed"
    entry = root.find(f"{ATOM}entry")
    assert entry is not None
    link = entry.find(f"{ATOM}link")
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{issue.uuid}"  # an address may be built again
    assert entry.findtext(f"{ATOM}title") == "Tom & <Jerry>"
    assert entry.findtext(f"{ATOM}summary") == "And “more”"
    assert link is not None
    assert link.get("href") == f"https://digest.example/archive/{newsletter.slug}/{issue.key}"


def test_the_feed_is_sent_once(client: Client, newsletter: Newsletter) -> None:
    """A reader that has it gets 304."""
    feed = f"/archive/{newsletter.slug}/feed.xml"
    etag = client.get(feed).headers["ETag"]
    assert client.get(feed, headers={"If-None-Match": etag}).status_code == 304


def test_the_feed_is_valid_whatever_was_pasted(client: Client, newsletter: Newsletter) -> None:
    """XML 1.0 has no vertical tab, with which layout programs break lines."""
    Newsletter.objects.update(description="What matters\x0bon this coast")
    root = ET.fromstring(text(client, f"/archive/{newsletter.slug}/feed.xml"))
    assert root.findtext(f"{ATOM}subtitle") == "What matterson this coast"


def test_feed_without_issues_is_valid(client: Client, newsletter: Newsletter) -> None:
    """A feed has its required elements before the first issue."""
    root = ET.fromstring(text(client, f"/archive/{newsletter.slug}/feed.xml"))
    assert root.findtext(f"{ATOM}updated") == NOON.isoformat()


def test_colours_come_from_the_publication(client: Client, newsletter: Newsletter) -> None:
    """The page's accent is the publication's, in a style sheet of its own."""
    newsletter.publication.accent = "#7a1f5c"
    newsletter.publication.save()
    answer = client.get(f"/colours/{newsletter.publication.slug}.css")
    assert answer.headers["Content-Type"] == "text/css"
    assert "--brand: #7a1f5c" in answer.content.decode()


def test_issues_of_days_and_weeks_are_not_in_it(client: Client, newsletter: Newsletter) -> None:
    """They say again what the issues said; an address of a slot is that of its issue."""
    out(newsletter, subject="The week", cadence="weekly")
    issue = out(newsletter, subject="The issue")
    alone = out(newsletter, subject="A week", cadence="weekly", slot=NOON + timedelta(days=1))
    page = text(client, f"/archive/{newsletter.slug}")
    assert "The issue" in page
    assert "week" not in page
    assert "The issue" in text(client, f"/archive/{newsletter.slug}/{issue.key}")
    text(client, f"/archive/{newsletter.slug}/{alone.key}", status=404)


@pytest.mark.parametrize("audience", ["segment", "topic"])
def test_what_some_subscribers_get_is_not_public(
    client: Client, newsletter: Newsletter, audience: str
) -> None:
    """An issue for a segment or a topic: only the link in its mails shows it, and nothing else."""
    public = out(newsletter, slot=NOON - timedelta(days=1), subject="For everyone")
    limits: dict[str, object] = {"only_topics": ["Harbour"]}
    if audience == "segment":
        limits = {"segment": saving.create(newsletter.publication, "Donors", {"rules": []}, NOON)}
    issue = out(newsletter, subject="A word to our donors", **limits)
    archive = f"/archive/{newsletter.slug}"
    for path in (archive, f"{archive}/feed.xml", f"{archive}/{public.key}", "/sitemap.xml"):
        page = text(client, path)
        assert "donors" not in page
        assert issue.key not in page
    text(client, f"{archive}/{issue.key}", status=404)
    answer = client.get(urlsplit(online_url(issue)).path)
    assert (answer.status_code, answer.headers["X-Robots-Tag"]) == (200, "noindex, nofollow")
    assert "Seals return to the sandbank" in answer.content.decode()
    assert share_links(public, "The Tide")
    assert share_links(issue, "The Tide") == []


def test_an_issue_leads_to_its_neighbours(client: Client, newsletter: Newsletter) -> None:
    """Around the mail: the issues before and after it, and a field to sign up above and below."""
    days = [NOON + timedelta(days=day) for day in range(3)]
    first, second, third = (out(newsletter, slot=day, subject=f"Day {day:%d}") for day in days)
    make_issue(newsletter, slot=days[1] + timedelta(hours=1), subject="Not sent")
    page = text(client, f"/archive/{newsletter.slug}/{second.key}")
    assert f'rel="prev" href="/archive/{newsletter.slug}/{first.key}"' in page
    assert f'rel="next" href="/archive/{newsletter.slug}/{third.key}"' in page
    assert page.count(f'action="/subscribe/{newsletter.slug}"') == 2
    latest = text(client, f"/archive/{newsletter.slug}/{third.key}")
    assert 'rel="next"' not in latest


def test_an_issue_from_elsewhere_is_set_as_its_language_is_written(
    client: Client, newsletter: Newsletter
) -> None:
    """Also where Digest has no texts in it, and speaks English itself."""
    Newsletter.objects.update(language="fa")
    past_issue = PastIssue.objects.create(
        newsletter=newsletter, service="ghost", origin="1", slot=NOON, subject="سلام", html="سلام"
    )
    page = text(client, f"/archive/{newsletter.slug}/{past_issue.key}")
    assert '<html lang="fa" dir="rtl">' in page


def test_an_issue_describes_itself(client: Client, newsletter: Newsletter) -> None:
    """To search engines and to whoever shares it; its words cannot end the script element."""
    subject = "Tides </script><script>alert(1)</script>"
    issue = out(newsletter, subject=subject, preheader='Of "seals"')
    issue.stories.update(image_url="https://courier.example/seal.jpg")
    page = text(client, f"/archive/{newsletter.slug}/{issue.key}")
    address = f"https://digest.example/archive/{newsletter.slug}/{issue.key}"
    assert f'<link rel="canonical" href="{address}">' in page
    assert '<meta property="og:image" content="https://courier.example/seal.jpg">' in page
    assert 'content="Of &#34;seals&#34;"' in page
    [block] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    data = json.loads(block)
    assert (data["headline"], data["url"]) == (subject, address)
    assert data["isPartOf"]["name"] == newsletter.name
    assert "<script>alert" not in page


def test_a_closed_newsletter_offers_no_sign_up(client: Client, newsletter: Newsletter) -> None:
    """Its archive stays."""
    issue = out(newsletter)
    Newsletter.objects.update(state="closed")
    for address in (f"/archive/{newsletter.slug}", f"/archive/{newsletter.slug}/{issue.key}"):
        assert "/subscribe/" not in text(client, address)


def test_the_field_of_the_archive_opens_the_form(client: Client, newsletter: Newsletter) -> None:
    """With the address, and nothing is sent: the page has the captcha and the token."""
    answer = client.post(
        f"/subscribe/{newsletter.slug}", {"start": "1", "email": "ines@mail.example"}
    )
    assert answer.status_code == 200
    assert 'value="ines@mail.example"' in answer.content.decode()
    assert 'role="alert"' not in answer.content.decode()
    assert not Notice.objects.exists()


def test_the_list_shows_pictures(client: Client, newsletter: Newsletter) -> None:
    """Of the first story that has one and was not retracted."""
    issue = out(newsletter)
    make_story(issue, image_url="https://courier.example/seal.jpg")
    answer = client.get(f"/archive/{newsletter.slug}")
    assert 'src="https://courier.example/seal.jpg"' in answer.content.decode()
    assert "img-src 'self' data: https: http:" in answer.headers["Content-Security-Policy"]
    issue.stories.update(retracted_at=NOON)
    assert "seal.jpg" not in text(client, f"/archive/{newsletter.slug}")


def test_the_feed_has_the_stories(client: Client, newsletter: Newsletter) -> None:
    """As HTML in each entry, for readers that show feeds."""
    issue = out(newsletter)
    make_story(issue, title="Tides & <b>moons</b>", image_url="https://courier.example/moon.jpg")
    tree = ET.fromstring(text(client, f"/archive/{newsletter.slug}/feed.xml"))
    content = tree.findtext(f"{ATOM}entry/{ATOM}content") or ""
    assert ">Tides &amp; &lt;b&gt;moons&lt;/b&gt;</a></h2>" in content
    assert '<img src="https://courier.example/moon.jpg" alt="">' in content
    assert "Seals return to the sandbank" in content


@pytest.mark.parametrize("limit", ["segment", "mail", "hidden"])
def test_lists_and_feeds_show_nothing_that_is_for_some(
    client: Client, newsletter: Newsletter, limit: str
) -> None:
    """Neither the picture nor the text of a story in a block for a segment, or in email only."""
    issue = out(newsletter)
    limits: dict[str, Any] = {"hidden": True}
    if limit == "segment":
        rules = {"rules": [{"field": "tag", "operator": "is", "value": "donor"}]}
        limits = {"segment": saving.create(newsletter.publication, "Donors", rules, NOON)}
    elif limit == "mail":
        limits = {"shown_in": "mail"}
    block = make_block(issue, **limits)
    make_story(issue, block=block, title="For donors", image_url="https://courier.example/d.jpg")
    archive = f"/archive/{newsletter.slug}"
    catalogue = f"/newsletters/{newsletter.publication.slug}"
    for path in (archive, f"{archive}/feed.xml", catalogue):
        page = text(client, path)
        assert "d.jpg" not in page
        assert "For donors" not in page
    assert "og:image" not in text(client, f"{archive}/{issue.key}")


def test_notes_of_retractions_are_of_what_the_page_showed(
    client: Client, newsletter: Newsletter
) -> None:
    """No title of a hidden block or one in email only, as no reader of the page has seen it."""
    issue = out(newsletter)
    limits: list[dict[str, Any]] = [{}, {"hidden": True}, {"shown_in": "mail"}]
    for number, fields in enumerate(limits):
        block, note = make_block(issue, **fields), f"Wrong {number}."
        make_story(issue, block=block, title=f"Ferry {number}", retraction=note, retracted_at=NOON)
    page = text(client, f"/archive/{newsletter.slug}/{issue.key}")
    assert "<b>Retracted:</b> Ferry 0. Wrong 0." in page
    for number in (1, 2):
        assert f"Ferry {number}" not in page
        assert f"Wrong {number}" not in page


def test_search_engines_find_what_is_public(client: Client, newsletter: Newsletter) -> None:
    """Public newsletters and their issues, by their public address; nothing else."""
    issue = out(newsletter)
    private = make_newsletter(slug="insiders", state="private")
    out(private)
    answer = client.get("/sitemap.xml")
    tree = ET.fromstring(answer.content.decode())
    addresses = [
        element.text for element in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    ]
    base = f"https://digest.example/archive/{newsletter.slug}"
    catalogue = f"https://digest.example/newsletters/{newsletter.publication.slug}"
    assert addresses == [catalogue, base, f"{base}/{issue.key}"]
    assert "Sitemap: https://digest.example/sitemap.xml" in text(client, "/robots.txt")
