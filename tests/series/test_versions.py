"""Versions of a mail: what they show, and what of it was retracted since."""

import pytest

from digest.articles.models import Article
from digest.core import clock
from digest.issues import editing as issue_editing
from digest.issues import retracting
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.pictures.models import Picture
from digest.sending.compiling import compiled_for
from digest.series import editing, planning, versions
from digest.series.errors import SeriesError
from digest.series.models import Series
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_story
from tests.cast.series import make_editor, make_series, sign_up, steps_of
from tests.clock import NOON
from tests.series.test_planning import planned_for, sent_issue, version_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def series(newsletter: Newsletter) -> Series:
    """One mail, on."""
    return make_series(newsletter)


@pytest.fixture
def seals(newsletter: Newsletter) -> Article:
    """An article that an editor may choose."""
    return make_article(make_source(newsletter), title="Seals return")


def publish_with(series: Series, article: Article) -> Issue:
    """Choose an article for the mail of a series, and publish that."""
    (step,) = steps_of(series)
    issue_editing.add(step.draft, None, article, make_editor())
    return versions.publish(steps_of(series)[0], NOON)


def html_of(series: Series) -> str:
    """The mail that is sent now."""
    return compiled_for(version_of(steps_of(series)[0])).html()


def test_a_mail_goes_on_without_its_only_story(
    newsletter: Newsletter, series: Series, seals: Article
) -> None:
    """Its text is sent to whoever signs up, and its draft can still be changed."""
    version = publish_with(series, seals)
    assert "Seals return" in html_of(series)
    retracting.withdraw(seals, "Wrong.", make_editor(), clock.now())
    version.refresh_from_db()
    (step,) = steps_of(series)
    assert (version.state, step.draft.state) == (Issue.State.SENDING, Issue.State.DRAFT)
    assert versions.problem_of(step) == ""
    html = html_of(series)
    assert ("Thank you for signing up" in html, "Seals return" in html) == (True, False)
    nadia = sign_up(newsletter)
    assert planning.plan_due(NOON) == 1
    assert planned_for(series) == {nadia.pk}
    editing.change_step(step, make_editor(), stories="latest")
    versions.publish(step, NOON)


def test_a_mail_of_nothing_else_is_paused(series: Series, seals: Article) -> None:
    """Nobody gets an empty one; its draft waits for a text, or other stories."""
    (step,) = steps_of(series)
    publish_with(series, seals)
    for block in (*step.draft.blocks.all(), *version_of(steps_of(series)[0]).blocks.all()):
        block.content = {}
        block.save()
    retracting.withdraw(seals, "Wrong.", make_editor(), clock.now())
    (step,) = steps_of(series)
    assert "is paused. Its only story was retracted" in versions.problem_of(step)
    assert step.draft.state == Issue.State.DRAFT
    with pytest.raises(SeriesError, match="is empty"):
        versions.publish(step, NOON)


def test_the_only_story_of_a_version_can_be_retracted(series: Series, seals: Article) -> None:
    """Of that alone, as a story among others."""
    version = publish_with(series, seals)
    retracting.retract(version, version.stories.get().pk, "Wrong.", clock.now())
    assert "Seals return" not in html_of(series)


def test_a_retracted_article_is_in_no_later_version(series: Series, seals: Article) -> None:
    """Whatever the draft still holds."""
    publish_with(series, seals)
    Article.objects.filter(pk=seals.pk).update(retracted_at=NOON)
    versions.publish(steps_of(series)[0], NOON)
    assert "Seals return" not in html_of(series)


def test_an_article_retracted_after_its_issue_was_sent_is_not_shown(
    newsletter: Newsletter, series: Series, seals: Article
) -> None:
    """A sent issue stays as it was; the mails that show its stories do not."""
    issue = sent_issue(newsletter, "Dredging begins")
    make_story(issue, article=seals, title=seals.title)
    retracting.withdraw(seals, "Wrong.", make_editor(), clock.now())
    (step,) = steps_of(series)
    editing.change_step(step, make_editor(), stories="latest")
    versions.publish(step, NOON)
    html = html_of(series)
    assert ("Dredging begins" in html, "Seals return" in html) == (True, False)


def test_pictures_that_come_are_no_change(newsletter: Newsletter, series: Series) -> None:
    """What was published stays published when the preview is made again with them."""
    source = make_source(newsletter)
    publish_with(series, make_article(source, image_url="https://courier.example/seals.jpg"))
    (step,) = steps_of(series)
    compiled_for(step.draft)
    Picture.objects.update(
        state="ready", sha256="a" * 64, format="jpeg", width=1200, height=900, next_try_at=None
    )
    before = step.draft.revision
    compiled_for(step.draft)
    (step,) = steps_of(series)
    assert (step.draft.revision, step.has_changes) == (before + 1, False)
