"""Tracked links: from the mail through us to the target, with or without being counted."""

import re
from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection
from django.test import Client

from digest.analytics.models import Hit, HitKind
from digest.analytics.recording import RECORDER
from digest.analytics.recording.targets import TARGETS
from digest.core import links
from digest.issues import approval, building, retracting
from digest.issues.models import Issue, Story, TrackedLink
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter, Publication
from digest.notices import content
from digest.rendering import letters
from digest.rendering.issue import compile_issue
from digest.rendering.letters import STORIES
from digest.sending.compiling import compiled_for
from digest.sending.outgoing import SingleRecipient, compose_message, compose_sample
from digest.sending.public_archive import render_issue
from digest.sending.segmentation import segmentation_of
from digest.subscribers.models import Subscriber
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.cast.texts import SCRIPT
from tests.clock import LONG_AGO, NOON

pytestmark = pytest.mark.django_db
SITE = "https://courier.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
AWKWARD = [
    "https://courier.example/seals?a=1&b=2&copy=3&amp;c=%26amp%3B",
    "https://courier.example/a%20b/%E2%82%AC?q=%2Fx%252F#top%20of=page",
    "https://courier.example/q?u=https%3A%2F%2Fother.example%2F%3Fx%3D1&t=~!$'()*+,;:@",
    "https://courier.example/robben/größe?q=weiß#Überblick",
    "https://bücher.example/",
    "https://courier.example/x?y=" + "z" * 1500,
    "http://user@courier.example:8080/?",
    "https://courier.example/;p=1?#",
]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """As in a process that has just started."""
    TARGETS.forget()


URLS = ["https://courier.example/seals-0", "https://courier.example/seals-1"]


def an_issue(tracking: str = "aggregate", urls: Sequence[str] = URLS, **fields: object) -> Issue:
    """An issue that went out, of two stories."""
    publication = make_publication(tracking=tracking, track_opens=fields.pop("track_opens", False))
    newsletter = make_newsletter(publication=publication, **fields)
    issue = make_issue(newsletter, state="sent", planned_at=NOON, subject="Today")
    for number, url in enumerate(urls):
        make_story(issue, article=make_article(url=f"{SITE}/{number}"), url=url)
    return issue


def first(issue: Issue) -> Story:
    """Its first story."""
    story = issue.stories.order_by("position").first()
    assert story
    return story


def parts_of(octets: bytes) -> tuple[str, str]:
    """HTML and text of a mail, as a mail program reads them."""
    message = message_from_bytes(octets, policy=default)
    assert isinstance(message, EmailMessage)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html
    assert text
    return html.get_content(), text.get_content()


def mail_to(issue: Issue, subscriber: Subscriber) -> tuple[str, str]:
    """HTML and text of a subscriber's mail."""
    segmentation = segmentation_of(issue, compiled_for(issue))
    to = SingleRecipient.of(subscriber, ())
    return parts_of(compose_message(issue, to, segmentation, NOON).content)


def paths_in(part: str, kind: str = "click") -> list[str]:
    """The paths of tracked links in a part of a mail, in order, each once."""
    urls = re.findall(rf"https://digest\.example(/{kind}/[^\s\"<>)]+)", unescape(part))
    return list(dict.fromkeys(urls))


def path_to(story: Story) -> str:
    """The path of a story's link."""
    compiled_for(story.issue)
    return links.click_url(story.issue, story.links.get()).removeprefix("https://digest.example")


def hits() -> list[Hit]:
    """Write what waits, and return all that was recorded."""
    assert RECORDER.flush()
    return list(Hit.objects.order_by("id"))


def test_targets_arrive_unchanged(client: Client) -> None:
    """Out of the HTML and the text of a mail, as the mail without tracking would have them."""
    direct, tracked = an_issue("none", urls=AWKWARD), an_issue(urls=AWKWARD)
    hrefs = re.findall(r'class="ink" href="(https?://[^"]*)"', compiled_for(direct).html())
    targets = [row for row in dict.fromkeys(map(unescape, hrefs)) if row != SITE]
    assert len(targets) == len(AWKWARD)
    for part in mail_to(tracked, make_subscriber(tracked.newsletter)):
        answers = [client.get(path) for path in paths_in(part)]
        assert [row["Location"] for row in answers if row["Location"] != SITE] == targets
        assert {answer.status_code for answer in answers} == {302}
        assert not any(target in part for target in targets if target != f"{SITE}/")


def test_every_link_of_blocks_is_tracked_and_no_other(client: Client) -> None:
    """Appeals, cards and rich text, in HTML and text; mail addresses and the footer are not."""
    issue = an_issue()
    issue.newsletter.publication.reply_to = "desk@courier.example"
    make_block(issue, BlockKind.TEXT, content={"document": document()})
    appeal = make_appeal(issue.newsletter.publication, url="https://courier.example/support")
    make_block(issue, BlockKind.APPEAL, appeal=appeal)
    card = {"url": "https://other.example/", "title": "Elsewhere"}
    make_block(issue, BlockKind.LINK, content=card)
    targets = [
        *("https://courier.example/seals-0", "https://courier.example/seals-1"),
        *("https://tide.example/?a=1&b=2", "https://courier.example/support"),
        "https://other.example/",
    ]
    html, text = mail_to(issue, make_subscriber(issue.newsletter))
    for part in (html, text):
        locations = [client.get(path)["Location"] for path in paths_in(part)]
        assert [row for row in locations if row != SITE] == targets
        assert "tide.example/?" not in part
        assert "/unsubscribe/" in part
        # Filters take a link whose text is another address for deception.
        assert "https://tide.example/page" in part
    assert 'href="https://tide.example/page"' in html
    assert 'href="mailto:tide@courier.example"' in html
    rows = TrackedLink.objects.filter(issue=issue).exclude(kind="trap").order_by("position")
    assert [row.url for row in rows] == targets
    assert [row.appeal_id for row in rows][3] == appeal.pk
    assert rows[0].article_id == first(issue).article_id
    assert [row.label for row in rows][2] == "the tide"


def document() -> dict[str, object]:
    """A rich text with three links, one of which is its own text, one to write to."""
    rows = [
        ("the tide", "https://tide.example/?a=1&b=2"),
        ("https://tide.example/page", "https://tide.example/page"),
        ("write", "mailto:tide@courier.example"),
    ]
    nodes = [
        {"type": "text", "text": text, "marks": [{"type": "link", "attrs": {"href": href}}]}
        for text, href in rows
    ]
    texts = [node for row in nodes for node in (row, {"type": "text", "text": " and "})]
    return {"type": "doc", "content": [{"type": "paragraph", "content": texts}]}


def test_links_are_stored_once(client: Client) -> None:
    """However often an issue is compiled; a block that goes does not take its links with it."""
    issue = an_issue()
    path = path_to(first(issue))
    before = list(TrackedLink.objects.values_list("pk", "uuid"))
    Issue.objects.update(revision=2)
    compiled_for(Issue.objects.select_related("newsletter__publication").get())
    assert list(TrackedLink.objects.values_list("pk", "uuid")) == before
    issue.blocks.all().delete()
    assert client.get(path)["Location"] == "https://courier.example/seals-0"


def test_a_click_is_recorded_without_the_subscriber(client: Client) -> None:
    """In an aggregate publication: the same link for all, a network and a class, no address."""
    issue = an_issue()
    mails = [mail_to(issue, make_subscriber(issue.newsletter)) for _ in range(2)]
    [[path, *_], [other, *_]] = [paths_in(html) for html, _ in mails]
    assert path == other
    for address in ("203.0.113.77", "203.0.113.78"):
        client.get(path, REMOTE_ADDR=address, HTTP_USER_AGENT=FIREFOX)
    client.get(path, REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT=FIREFOX)
    rows = hits()
    assert {(row.issue_id, row.link_id, row.kind) for row in rows} == {
        (issue.pk, first(issue).links.get().pk, HitKind.CLICK)
    }
    assert {(row.subscriber_id, row.network, row.agent, row.verdict) for row in rows} == {
        (None, "203.0.113.0/24", "browser", None)
    }
    visitors = [row.visitor for row in rows]
    assert visitors[0] == visitors[2] != visitors[1]
    assert all(NOON <= row.at < NOON + timedelta(hours=1) for row in rows)


def test_a_click_is_recorded_with_the_subscriber(client: Client) -> None:
    """In an individual publication."""
    issue = an_issue("individual")
    ines, tom = make_subscriber(issue.newsletter), make_subscriber(issue.newsletter)
    for subscriber in (ines, tom, ines):
        client.get(paths_in(mail_to(issue, subscriber)[1])[0])
    rows = hits()
    assert [row.subscriber_id for row in rows] == [ines.pk, tom.pk, ines.pk]
    visitors = [row.visitor for row in rows]
    assert visitors[0] == visitors[2] != visitors[1]


@pytest.mark.parametrize("tracking", ["individual", "aggregate"])
def test_clicks_on_the_web_version_are_not_the_mails(client: Client, tracking: str) -> None:
    """Anybody reads the archive: its links lead on, and no mail was clicked."""
    issue = an_issue(tracking)
    for path in paths_in(render_issue(issue)):
        assert client.get(path)["Location"] in {*URLS, SITE}
    assert hits() == []
    issue.stories.filter(pk=first(issue).pk).update(retracted_at=NOON, retraction="It was wrong.")
    [path] = [
        path for path in paths_in(render_issue(issue)) if client.get(path)["Location"] != SITE
    ]
    assert client.get(path)["Location"] == URLS[1]
    assert hits() == []


def test_present_level_decides_what_is_recorded(client: Client) -> None:
    """Mails that were sent keep their links; what is recorded of them follows the setting."""
    issue = an_issue("individual")
    [path, *_] = paths_in(mail_to(issue, make_subscriber(issue.newsletter))[0])
    for tracking in ("aggregate", "none"):
        Publication.objects.update(tracking=tracking)
        assert client.get(path).status_code == 302
        assert [row.subscriber_id for row in hits()] == [None]


def test_erased_subscribers_are_not_recorded(client: Client) -> None:
    """Their links lead on; the hit is nobody's. Nor is that of an id given again."""
    issue = an_issue("individual")
    subscriber = make_subscriber(issue.newsletter)
    [path, *_] = paths_in(mail_to(issue, subscriber)[0])
    Subscriber.objects.update(uuid="6f2a9a1e-5d0c-4d4e-9d6c-0d6f1f9b7c55")
    assert client.get(path).status_code == 302
    assert [row.subscriber_id for row in hits()] == [None]


def test_tests_samples_and_altered_links_lead_on_uncounted(client: Client) -> None:
    """Whoever tries a proof must not be counted, and whoever alters a link must arrive."""
    issue = an_issue("individual")
    subscriber = make_subscriber(issue.newsletter)
    sample = paths_in(parts_of(compose_sample(issue, subscriber.email))[0])
    assert all(path.endswith("/test") for path in sample)
    real = paths_in(mail_to(issue, subscriber)[0])[0]
    foreign = links.sign_rows("preferences", issue, subscriber)
    paths = [sample[0], real[:-1], f"{real}A", f"{real.rpartition('/')[0]}/{foreign}"]
    for path in paths:
        assert client.get(path)["Location"] == "https://courier.example/seals-0"
    assert hits() == []


def test_nobody_is_behind_some_requests(client: Client) -> None:
    """Which are recorded as what they are; they lead on like others."""
    path = path_to(first(an_issue()))
    requests = [
        ({}, "HEAD", "head"),
        ({"Sec-Purpose": "prefetch;prerender"}, "GET", "prefetch"),
        ({"Purpose": "prefetch"}, "GET", "prefetch"),
        ({"X-Purpose": "preview"}, "GET", "prefetch"),
    ]
    for headers, method, _ in requests:
        answer = client.generic(method, path, headers=headers | {"User-Agent": FIREFOX})
        assert answer.status_code == 302
    assert [row.agent for row in hits()] == [agent for _, _, agent in requests]


def test_the_hidden_link(client: Client) -> None:
    """It stands in the HTML of a counted mail, neither in the text nor on the web."""
    issue = an_issue()
    html, text = mail_to(issue, make_subscriber(issue.newsletter))
    [trap] = set(paths_in(html)) - set(paths_in(text))
    assert trap not in render_issue(issue)
    assert client.get(trap)["Location"] == SITE
    assert [row.kind for row in hits()] == [HitKind.TRAP]
    assert "display:none" in html[: html.index(trap)].rpartition("<div")[2]


def test_opens_are_counted_by_a_pixel_where_that_is_on(client: Client) -> None:
    """It is not part of the web version; whatever is requested, an image comes."""
    issue = an_issue("individual", track_opens=True)
    subscriber = make_subscriber(issue.newsletter)
    [path] = paths_in(mail_to(issue, subscriber)[0], "open")
    assert not paths_in(render_issue(issue), "open")
    for request in (path, f"{path.split('/')[1]}/x.gif", "/open/x/y.gif"):
        answer = client.get(f"/{request.lstrip('/')}")
        assert answer["Content-Type"] == "image/gif"
        assert "no-store" in answer["Cache-Control"]
    rows = hits()
    assert [(row.kind, row.link_id, row.subscriber_id) for row in rows] == [
        (HitKind.OPEN, 0, subscriber.pk)
    ]
    Publication.objects.update(track_opens=False)
    client.get(path)
    assert len(hits()) == 1


def test_nothing_is_tracked_unless_wanted() -> None:
    """Neither a link nor a pixel, in a publication that counts nothing."""
    issue = an_issue("none", track_opens=True)
    for part in mail_to(issue, make_subscriber(issue.newsletter)):
        assert first(issue).url in part
        assert not paths_in(part)
        assert not paths_in(part, "open")
    assert not TrackedLink.objects.exists()


def test_answers_are_counted(client: Client) -> None:
    """An answer leads to a page that thanks in the newsletter's language."""
    issue = an_issue(language="de")
    content = {"question": "Wie war es?", "answers": ["Gut", SCRIPT]}
    block = make_block(issue, BlockKind.FEEDBACK, content=content)
    for part in mail_to(issue, make_subscriber(issue.newsletter)):
        paths = paths_in(part)
        pages = [client.get(path) for path in paths]
        page = next(page.content.decode() for page in pages if b"Gut" in page.content)
        assert "Wie war es?" in page
        assert 'lang="de"' in page
        assert not any(SCRIPT.encode() in page.content for page in pages)
    answers = TrackedLink.objects.filter(block=block, kind="answer")
    assert [row.url for row in answers.order_by("position")] == ["Gut", SCRIPT]
    assert set(answers.values_list("pk", flat=True)) <= {row.link_id for row in hits()}


def test_a_question_is_asked_where_answers_are_counted(client: Client) -> None:
    """Not in the web version; a block that stands there alone asks for a mail."""
    issue = an_issue(language="de")
    content = {"question": "Wie war es?", "answers": ["Gut"]}
    block = make_block(issue, BlockKind.FEEDBACK, content=content)
    assert "Wie war es?" in mail_to(issue, make_subscriber(issue.newsletter))[0]
    assert "Wie war es?" not in render_issue(issue)
    block.shown_in = "web"
    block.save()
    Issue.objects.update(revision=2)
    page = render_issue(Issue.objects.select_related("newsletter__publication").get())
    assert "Wie war es?" in page
    assert "mailto:" in page[page.index("Wie war es?") :]


def test_answers_are_mails_where_nothing_is_counted() -> None:
    """As before."""
    issue = an_issue("none")
    make_block(issue, BlockKind.FEEDBACK, content={"question": "Well?", "answers": ["Yes"]})
    html, text = mail_to(issue, make_subscriber(issue.newsletter))
    assert "mailto:news@courier.example?subject=Yes%20%28Well%3F%29" in html
    assert "Reply to this email with your answer." in text


def test_redirects_are_not_cached_and_reveal_nothing_to_the_site(client: Client) -> None:
    """By GET and HEAD; nothing is changed by following a link."""
    path = path_to(first(an_issue()))
    for request in (client.get, client.head):
        answer = request(path)
        assert (answer.status_code, answer["Location"]) == (302, "https://courier.example/seals-0")
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Content-Length"] == "0"
        assert not answer.cookies
    assert client.post(path).status_code == 405


def test_only_stories_lead_through_us_where_only_retractions_matter(client: Client) -> None:
    """`redirect_links` in a publication that counts nothing: nothing is recorded."""
    issue = an_issue("none", redirect_links=True)
    card = {"url": "https://other.example/", "title": "Elsewhere"}
    make_block(issue, BlockKind.LINK, content=card)
    for part in mail_to(issue, make_subscriber(issue.newsletter)):
        assert "https://other.example/" in part
        assert len(paths_in(part)) == 2
        assert client.get(paths_in(part)[0]).status_code == 302
    assert hits() == []


def test_a_retracted_story_leads_to_its_note(client: Client) -> None:
    """In mails that have arrived; the other story's link leads on."""
    issue = an_issue("none", redirect_links=True)
    remaining, retracted = issue.stories.order_by("position")
    paths = path_to(remaining), path_to(retracted)
    retracting.retract(issue, retracted.pk, f"The count was wrong. {SCRIPT}", NOON)
    answer = client.get(paths[1])
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "This story has been retracted" in page
    assert "The count was wrong." in page
    assert retracted.title in page
    assert SCRIPT not in page
    assert retracted.url not in page
    assert f"/archive/{issue.newsletter.slug}" in page
    assert "noindex" in answer["X-Robots-Tag"]
    assert client.get(paths[0]).status_code == 302


def test_an_article_retracted_everywhere_leads_to_a_note_too(client: Client) -> None:
    """In issues that are over as well; without a note it says that it was the editors."""
    story = first(an_issue())
    assert story.article
    path = path_to(story)
    story.article.retracted_at = LONG_AGO
    story.article.save()
    assert "The editors have retracted this story." in client.get(path).content.decode()


def test_only_web_addresses_are_followed(client: Client) -> None:
    """Whatever was stored."""
    path = path_to(first(an_issue()))
    for url in (
        "javascript:alert(1)",
        "//evil.example",
        "ftp://x.example/",
        "",
        "https://a\r\nb: c",
    ):
        TrackedLink.objects.update(url=url)
        TARGETS.forget()
        assert client.get(path).status_code == 404


def test_no_other_token_leads_anywhere(client: Client) -> None:
    """Altered, of another purpose, another issue's link, huge; nor does a query lead elsewhere."""
    issue = an_issue()
    story = first(issue)
    good = path_to(story).removeprefix("/click/")
    link = story.links.get()
    flipped = ("A" if good[0] != "A" else "B") + good[1:]
    invalid_tokens = [
        flipped,
        good + "A",
        links.sign_rows("preferences", issue, link),
        links.sign_rows("click", issue),
        links.sign_rows("click", issue, link, link),
        links.sign("click", issue.pk, link.pk),
        links.sign("click"),
        "x" * 600,
        "é",
    ]
    for token in invalid_tokens:
        assert client.get(f"/click/{token}").status_code == 404
    huge = links.Row(2**80, link.uuid)
    for rows in ((make_issue(), link), (issue, huge), (huge, link), (link, issue)):
        assert client.get(f"/click/{links.sign_rows('click', *rows)}").status_code == 410
    answer = client.get(f"/click/{good}?url=https://evil.example&next=//evil.example")
    assert answer["Location"] == story.url
    TrackedLink.objects.update(uuid="6f2a9a1e-5d0c-4d4e-9d6c-0d6f1f9b7c55")
    TARGETS.forget()
    assert client.get(f"/click/{good}").status_code == 410


def test_editors_templates_have_direct_links() -> None:
    """A preheader has no room for a subscriber's link."""
    issue = an_issue()
    Newsletter.objects.update(preheader="Read {{ stories[0].url }} first.")
    issue = Issue.objects.select_related("newsletter__publication").get()
    assert first(issue).url in compiled_for(issue).preheader


def test_a_draft_that_is_saved_nowhere_links_directly() -> None:
    """There is nothing yet that a tracked link could find."""
    newsletter = make_newsletter(redirect_links=True, look_back_hours=24 * 365)
    article = make_article(make_source(newsletter), url="https://courier.example/seals")
    draft = building.draft(newsletter, NOON.replace(hour=13))
    compiled = compile_issue(draft.issue, draft.blocks, draft.stories)
    assert article.url in compiled.text()
    assert not paths_in(compiled.html())


def test_switching_redirects_revokes_an_approval() -> None:
    """All that was approved shows in the mail, its links too."""
    issue = make_issue(make_newsletter(approval="one"), state="draft")
    make_story(issue)
    before = approval.fingerprint(issue)
    issue.newsletter.redirect_links = True
    assert approval.fingerprint(issue) != before


def test_another_level_compiles_an_issue_again() -> None:
    """As long as it is not planned."""
    issue = an_issue("none")
    Issue.objects.update(planned_at=None, state="built")
    issue = Issue.objects.select_related("newsletter__publication").get()
    assert not paths_in(compiled_for(issue).html())
    Publication.objects.update(tracking="aggregate")
    issue = Issue.objects.select_related("newsletter__publication").get()
    assert paths_in(compiled_for(issue).html())


def test_a_welcome_shows_no_retracted_story(client: Client) -> None:
    """The latest issue comes with it, without that one; its links are not counted."""
    issue = an_issue(redirect_links=True, welcome_with_latest=True)
    assert STORIES >= 2
    remaining, retracted = issue.stories.order_by("position")
    path_to(remaining)
    retracting.retract(issue, retracted.pk, "", NOON)
    newsletter = Newsletter.objects.get()
    stories = content._latest_stories([newsletter])
    assert [story.pk for story in stories] == [remaining.pk]
    [path] = paths_in(letters._teaser(stories[0]).url)
    assert client.get(path)["Location"] == remaining.url
    assert hits() == []


def fail(*_statement: object) -> None:
    """Answer as PostgreSQL does that is stopped."""
    raise OperationalError("connection refused")


def test_links_while_postgresql_is_away(client: Client) -> None:
    """What was followed before leads on; an answer, and what is new, ask to try again."""
    issue = an_issue()
    block = make_block(issue, kind=BlockKind.FEEDBACK)
    row = issue.links.first() or TrackedLink.objects.create(
        issue=issue, position=0, url="https://courier.example/1"
    )
    answer = TrackedLink.objects.create(
        issue=issue, block=block, position=9, url="Good", kind=TrackedLink.Kind.ANSWER
    )
    unknown = TrackedLink.objects.create(issue=issue, position=10, url="https://courier.example/2")
    paths = [urlsplit(links.click_url(issue, link)).path for link in (row, answer, unknown)]
    for path in paths[:2]:
        client.get(path)
    with connection.execute_wrapper(fail):
        responses = [client.get(path) for path in paths]
    assert [response.status_code for response in responses] == [302, 503, 503]
    assert responses[0]["Location"] == row.url
    for response in responses[1:]:
        assert response["Retry-After"] == "30"
        assert "Try again in a few minutes." in response.content.decode()
        assert "</html>" in response.content.decode()
