"""Pictures of stories: asked for when an issue is built or changed, shown when they are there."""

from datetime import timedelta

import pytest
from lxml import html as lxml_html

from digest.accounts.models import User
from digest.issues import approval, building, editing, pictures, scheduling
from digest.issues.errors import EditConflictError, IssueError
from digest.issues.models import Issue, Story
from digest.newsletters.models import Newsletter
from digest.pictures.models import Picture
from digest.rendering.issue import compile_issue
from digest.sending import planning
from digest.sending.compiling import compiled_for
from tests.cast.articles import make_article, make_source
from tests.cast.newsletters import make_newsletter, make_publication
from tests.cast.pictures import make_picture
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = pytest.mark.django_db

URL = "https://courier.example/harbour.jpg"
OWN_PREFIX = "https://digest.example/pictures/"


@pytest.fixture
def newsletter() -> Newsletter:
    """A newsletter with one article, which names a picture."""
    newsletter = make_newsletter()
    make_article(make_source(newsletter), image_url=URL)
    make_subscriber(newsletter)
    return newsletter


@pytest.fixture
def editor() -> User:
    """Ada."""
    return User.objects.create_user("ada@courier.example", "x")


def make_ready() -> None:
    """The picture came."""
    Picture.objects.update(
        state="ready", sha256="a" * 64, format="jpeg", width=1200, height=900, next_try_at=None
    )


def built(newsletter: Newsletter) -> tuple[Issue, Story]:
    """An issue of the newsletter with its only story."""
    issue = building.build(newsletter, NOON, NOON)
    return issue, issue.stories.get()


def html(issue: Issue) -> str:
    """The mail as it is now."""
    stories = list(issue.stories.select_related("block", "picture"))
    return compile_issue(issue, list(issue.blocks.all()), stories).html()


def test_a_built_issue_asks_for_its_pictures(newsletter: Newsletter) -> None:
    """Once, whatever else names them."""
    _, story = built(newsletter)
    assert story.picture is not None
    assert (story.picture.state, story.picture.source_url) == ("due", URL)
    assert story.picture.publication_id == newsletter.publication_id
    building.build(newsletter, NOON + timedelta(days=1), NOON)
    assert Picture.objects.count() == 1


def test_a_publication_may_link_to_its_own_site(newsletter: Newsletter) -> None:
    """Then nothing is fetched."""
    newsletter.publication.host_pictures = False
    newsletter.publication.save()
    issue, story = built(newsletter)
    assert story.picture is None
    assert not Picture.objects.exists()
    assert URL in html(issue)


def test_a_draft_that_is_not_saved_asks_for_nothing(newsletter: Newsletter) -> None:
    """A preview of the next issue changes nothing."""
    building.draft(newsletter, NOON)
    assert not Picture.objects.exists()


@pytest.mark.parametrize(
    ("state", "addresses"),
    [("due", {URL}), ("ready", {OWN_PREFIX}), ("refused", set())],
)
def test_a_mail_shows_what_there_is(
    newsletter: Newsletter, state: str, addresses: set[str]
) -> None:
    """Ours; while it is not there the site's; nothing instead of what is not a picture."""
    issue, _ = built(newsletter)
    make_ready()
    Picture.objects.update(state=state)
    page = html(issue)
    assert {address for address in (URL, OWN_PREFIX) if address in page} == addresses


def test_an_issue_waits_for_its_pictures_but_not_for_long(newsletter: Newsletter) -> None:
    """It goes out when they are there, or half a minute later without them."""
    issue, _ = built(newsletter)
    assert planning.plan_built(NOON) == []
    assert planning.plan_built(NOON + timedelta(seconds=29)) == []
    (planned,) = planning.plan_built(NOON + pictures.PATIENCE)
    assert planned == issue
    assert URL in compiled_for(issue).html()


def test_an_issue_whose_pictures_came_goes_out_with_them(newsletter: Newsletter) -> None:
    """Even where a preview was made before they came."""
    issue, _ = built(newsletter)
    assert URL in compiled_for(issue).html()
    make_ready()
    assert planning.plan_built(NOON) == []  # compiled again, which the next round looks at
    (planned,) = planning.plan_built(NOON)
    assert URL not in compiled_for(planned).html()
    assert OWN_PREFIX in compiled_for(planned).html()


def test_another_focus_before_sending_makes_another_mail(newsletter: Newsletter) -> None:
    """A preview is never older than the picture."""
    issue, _ = built(newsletter)
    make_ready()
    before = compiled_for(issue).html()
    Picture.objects.update(focal_x=0.1)
    assert compiled_for(issue).html() != before


def test_an_editors_changes_ask_for_pictures(newsletter: Newsletter, editor: User) -> None:
    """A story that is added, another address, and none; undone it is what it was."""
    issue, story = built(newsletter)
    source = newsletter.sources.get()
    article = make_article(source, image_url=f"{URL}?second")
    added = editing.add(issue, None, article, editor)
    assert added.picture is not None
    assert added.picture.source_url == f"{URL}?second"
    editing.reword(issue, None, story.pk, {"image_url": f"{URL}?third"}, editor)
    story.refresh_from_db()
    assert story.picture is not None
    assert story.picture.source_url == f"{URL}?third"
    editing.reword(issue, None, story.pk, {"image_url": ""}, editor)
    assert issue.stories.get(pk=story.pk).picture is None
    issue.refresh_from_db()
    editing.undo(issue, issue.revision, editor)
    assert issue.stories.get(pk=story.pk).picture is not None


def test_a_picture_of_the_library_is_chosen(newsletter: Newsletter, editor: User) -> None:
    """It stands before the one at the address, until it is removed; no other publication's."""
    issue, story = built(newsletter)
    previous = story.picture
    library = make_picture(newsletter.publication)
    values = {"image_url": story.image_url, "picture": str(library.uuid)}
    editing.reword(issue, None, story.pk, values, editor)
    story.refresh_from_db()
    assert story.picture == library
    assert pictures.is_chosen(story)
    foreign = make_picture(make_publication(slug="other"))
    for uuid in (str(foreign.uuid), "x"):
        with pytest.raises(IssueError, match="not in this publication's library"):
            editing.reword(issue, None, story.pk, values | {"picture": uuid}, editor)
    editing.reword(issue, None, story.pk, values | {"picture": ""}, editor)
    story.refresh_from_db()
    assert story.picture == previous
    assert not pictures.is_chosen(story)


def test_a_picture_of_ours_is_not_fetched(newsletter: Newsletter, editor: User) -> None:
    """An editor chose it from the library: its address is that of a file here."""
    issue, story = built(newsletter)
    own = "https://digest.example/pictures/0123-wide.jpg"
    editing.reword(issue, None, story.pk, {"image_url": own}, editor)
    story.refresh_from_db()
    assert story.picture is None
    assert own in html(issue)


def test_undoing_survives_a_deleted_picture(newsletter: Newsletter, editor: User) -> None:
    """The story is put back without it."""
    issue, story = built(newsletter)
    editing.reword(issue, None, story.pk, {"image_url": "", "title": "Other"}, editor)
    Picture.objects.all().delete()
    issue.refresh_from_db()
    editing.undo(issue, issue.revision, editor)
    story.refresh_from_db()
    assert story.picture is None
    assert story.image_url == URL


def test_pictures_of_blocks_are_part_of_the_fingerprint(newsletter: Newsletter) -> None:
    """Those that rich text names, too."""
    issue, _ = built(newsletter)
    picture = make_picture(newsletter.publication)
    before = pictures.fingerprint(issue)
    node = {"type": "image", "attrs": {"picture": str(picture.uuid), "alt": ""}}
    document = {"type": "doc", "content": [node]}
    issue.blocks.create(kind="text", position=90, content={"document": document})
    named = pictures.fingerprint(issue)
    assert named != before
    Picture.objects.filter(pk=picture.pk).update(focal_y=0.2)
    assert pictures.fingerprint(issue) != named


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("link", {}, ("-lead.jpg", 482, 321)),
        ("media", {}, ("-lead.jpg", 536, 357)),
        ("image", {}, ("-lead.jpg", 536, 357)),
        ("image", {"shape": "whole"}, ("-wide.jpg", 536, 1072)),
    ],
)
def test_a_tall_picture_of_a_block_is_cropped(
    newsletter: Newsletter,
    kind: str,
    content: dict[str, str],
    expected: tuple[str, int, int],
) -> None:
    """To 3:2 round its focal point, as stories' are; an editor may show the whole of an image."""
    issue, _ = built(newsletter)
    picture = make_picture(newsletter.publication, width=1072, height=2144)
    common = {"picture": str(picture.uuid), "alt": "A tall mast", "title": "Mast", "url": URL}
    issue.blocks.create(kind=kind, position=90, content=common | content)
    suffix, width, height = expected
    document = lxml_html.fromstring(html(issue))
    [image] = [row for row in document.iter("img") if (row.get("src") or "").endswith(suffix)]
    assert (image.get("width"), image.get("height")) == (str(width), str(height))


def test_a_small_picture_of_a_block_is_not_enlarged(newsletter: Newsletter) -> None:
    """It keeps its own width, so that nothing is blurred."""
    issue, _ = built(newsletter)
    picture = make_picture(newsletter.publication, width=200, height=200)
    content = {"picture": str(picture.uuid)}
    issue.blocks.create(kind="image", position=90, content=content)
    document = lxml_html.fromstring(html(issue))
    [image] = [row for row in document.iter("img") if (row.get("src") or "").endswith("-lead.jpg")]
    assert (image.get("width"), image.get("height")) == ("200", "133")
    assert "max-width:200px" in (image.get("style") or "").replace(" ", "")


def with_late_pictures() -> tuple[Issue, Story, int]:
    """Compile an issue before and after its pictures come; return it with its first revision."""
    Newsletter.objects.update(approval="one")
    issue, story = built(Newsletter.objects.get())
    compiled_for(issue)
    revision = issue.revision
    make_ready()
    compiled_for(issue)
    return issue, story, revision


def test_who_saw_an_issue_before_its_pictures_came_approves_and_sends_it(
    newsletter: Newsletter, editor: User
) -> None:
    """They say nothing else: nobody is told that somebody changed it, and an approval stays."""
    issue, story, revision = with_late_pictures()
    assert issue.revision == revision + 1
    editing.pin(issue, revision, story.pk, editor, pinned=True)
    issue.refresh_from_db()
    for number in (revision, revision + 1):  # those of before the change
        with pytest.raises(EditConflictError):
            approval.approve(issue, number, editor, NOON)
        with pytest.raises(EditConflictError):
            scheduling.send_now(issue, number, NOON)
    compiled_for(issue)
    revision = issue.revision
    Picture.objects.update(focal_x=0.2)
    compiled_for(issue)
    approved = approval.approve(issue, revision, editor, NOON)
    assert (issue.revision, approved.state) == (revision + 1, Issue.State.BUILT)
    Picture.objects.update(focal_x=0.4)
    compiled_for(approved)
    sent = scheduling.send_now(approved, revision, NOON)
    assert sent.send_at is not None


def test_another_text_of_the_newsletter_is_not_taken_for_a_picture(
    newsletter: Newsletter, editor: User
) -> None:
    """Also where pictures came at the same time: whoever approves has to see it."""
    issue, _, revision = with_late_pictures()
    Newsletter.objects.update(name="The Evening Tide")
    issue = Issue.objects.get(pk=issue.pk)
    compiled_for(issue)
    assert issue.revision == revision + 2
    for number in (revision, revision + 1):
        with pytest.raises(EditConflictError):
            approval.approve(issue, number, editor, NOON)
    assert approval.approve(issue, revision + 2, editor, NOON).approved_hash
