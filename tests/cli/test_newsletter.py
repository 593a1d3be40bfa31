"""`digest newsletter …`."""

import pytest

from digest.newsletters.models import Newsletter, Publication
from tests.cast.articles import make_article, make_source
from tests.cast.newsletters import make_newsletter, make_publication, make_schedule
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest, Result

pytestmark = pytest.mark.django_db


def add(digest: Digest, *more: str, slug: str = "tide") -> Result:
    """Set up The Morning Tide with a publication of its own."""
    return digest(
        *("newsletter", "add", slug, "--name", "The Morning Tide", "--publication", "courier"),
        *("--publication-name", "The Courier", "--url", "https://courier.example"),
        *("--postal-address", "1 Quay Street", "--sender", "news@courier.example"),
        *more,
    )


def test_add_sets_up_the_newsletter_and_its_publication(digest: Digest) -> None:
    """Days, time, topics and policies arrive as given."""
    result = add(
        digest,
        *("--days", "mon-fri", "--time", "7:00", "--timezone", "Europe/London"),
        *("--topic", "Harbour=port, Fishing", "--max", "8", "--thin", "wait"),
    )
    assert result.status == 0
    assert "Next issue: " in result.out
    assert "07:00 " in result.out
    newsletter = Newsletter.objects.get()
    assert newsletter.publication.name == "The Courier"
    assert (newsletter.max_stories, newsletter.thin) == (8, "wait")
    assert newsletter.schedule.days == [0, 1, 2, 3, 4]
    assert [block.topics for block in newsletter.layout.filter(kind="topic")] == [
        ["port", "Fishing"]
    ]


def test_tracking_is_shown_and_changed(digest: Digest) -> None:
    """A new publication counts without knowing whose; an unknown one is an error."""
    add(digest)
    assert digest("tracking", "courier", "--json").json["clicks"] == "aggregate"
    result = digest("tracking", "courier", "--clicks", "individual", "--opens")
    assert "clicks of each subscriber. Opens are counted." in result.out
    publication = Publication.objects.get()
    assert (publication.tracking, publication.track_opens) == ("individual", True)
    assert "Opens are not counted." in digest("tracking", "courier", "--clicks", "none").out
    assert digest("tracking", "tide").status != 0


def test_a_new_newsletter_asks_before_it_sends(digest: Digest) -> None:
    """Unless the command says otherwise."""
    assert "60 minutes before sending" in add(digest).out
    newsletter = Newsletter.objects.get()
    assert (newsletter.approval, newsletter.review_minutes) == ("one", 60)
    newsletter.delete()
    options = ("--approval", "none", "--review", "0")
    short = ("newsletter", "add", "tide", "--name", "Tide", "--publication", "courier")
    assert digest(*short, *options).status == 0
    newsletter = Newsletter.objects.get()
    assert (newsletter.approval, newsletter.review_minutes) == ("none", 0)


def test_a_time_without_days_means_daily(digest: Digest) -> None:
    """The commonest wish is the shortest."""
    assert add(digest, "--time", "07:00").status == 0
    assert Newsletter.objects.get().schedule.days == list(range(7))


def test_a_day_and_a_weekday_in_a_cron_line_are_warned_of(digest: Digest) -> None:
    """When it is set up, and whenever it is shown."""
    assert "Warning: " in add(digest, "--cron", "0 7 1 * 1").out
    slug = Newsletter.objects.get().slug
    assert "Both" in digest("newsletter", "show", slug).out
    assert len(digest("newsletter", "show", slug, "--json").json["warnings"]) == 1


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--time", "25:00"], "not a time of day"),
        (["--days", "someday", "--time", "07:00"], "not a day"),
        (["--days", "mon"], "a time"),
        (["--cron", "often"], "not a cron line"),
        (["--cron", "0 7 * * *", "--time", "07:00"], "either --cron"),
        (["--time", "07:00", "--timezone", "Saltmarsh/Quay"], "not a time zone"),
        (["--topic", "Harbour"], "TITLE=TAG"),
        (["--topic", "Harbour="], "names no topic"),
        (["--url", "courier"], "not a web address"),
        (["--sender", "nobody"], "not a valid email address"),
        (["--accent", "red"], "not a colour"),
        (["--min", "9", "--max", "3"], "9 to 3"),
        (["--name", "a\nb"], "line end"),
        (["--publication", "The Courier"], "short name"),
    ],
)
def test_bad_wishes_are_named_and_nothing_is_half_done(
    digest: Digest, options: list[str], arguments: str
) -> None:
    """Neither newsletter nor publication is left behind."""
    result = add(digest, *options)
    assert (result.status, result.out) == (1, "")
    assert arguments in result.err
    assert not Newsletter.objects.exists()
    assert not Publication.objects.exists()


def test_a_bad_or_taken_short_name_is_refused(digest: Digest) -> None:
    """The one who chose it can choose another."""
    assert "short name" in add(digest, slug="The Tide").err
    make_newsletter(slug="tide")
    assert "already" in add(digest).err
    assert not Publication.objects.filter(slug="courier").exists()


def test_a_known_publication_is_used_and_never_changed(digest: Digest) -> None:
    """What describes a new one is refused for an old one, and asked for if missing."""
    make_publication(slug="courier")
    assert "already; leave out --publication-name, --url" in add(digest).err
    short = ("newsletter", "add", "tide", "--name", "Tide", "--publication")
    assert digest(*short, "courier").status == 0
    missing = digest(*short[:2], "ebb", *short[3:], "herald").err
    assert "add --publication-name, --url, --postal-address, --sender" in missing


def test_list_is_helpful_when_empty(digest: Digest) -> None:
    """It says what to do next."""
    assert "digest newsletter add" in digest("newsletter", "list").out
    assert digest("newsletter", "list", "--json").json == []


def test_list_and_show_say_when_and_to_how_many(digest: Digest) -> None:
    """Five slots, each with its zone; sources, layout and subscribers."""
    newsletter = make_newsletter(slug="tide")
    make_schedule(newsletter)
    source = make_source(newsletter)
    make_subscriber(newsletter)
    assert "tide" in digest("newsletter", "list").out
    result = digest("newsletter", "show", "tide")
    assert result.out.count(" 07:00 ") == 5
    assert source.url in result.out
    assert "1 would receive it now" in result.out
    values = digest("newsletter", "show", "tide", "--json").json
    assert values["subscriptions"] == {"active": 1, "pending": 0, "unsubscribed": 0}
    assert len(values["next_slots"]) == 5


def test_what_strangers_wrote_does_not_steer_the_terminal(digest: Digest) -> None:
    """Escape sequences and markup in names are shown, not obeyed."""
    make_newsletter(slug="tide", name="\x1b]0;owned\x07[red]Tide[/red]")
    for command in [("newsletter", "list"), ("newsletter", "show", "tide")]:
        result = digest(*command)
        assert "\x1b" not in result.out
        assert "\x07" not in result.out
        assert "[red]Tide[/red]" in result.out


def test_pause_and_resume(digest: Digest) -> None:
    """A paused newsletter names no next issue."""
    make_schedule(make_newsletter(slug="tide"))
    assert "is paused" in digest("newsletter", "pause", "tide").out
    assert Newsletter.objects.get().state == "paused"
    assert digest("newsletter", "show", "tide", "--json").json["next_slots"] == []
    assert "Next issue" in digest("newsletter", "resume", "tide").out
    assert Newsletter.objects.get().state == "live"
    digest("newsletter", "set", "tide", "--state", "private")
    for action in ("pause", "resume"):
        assert "tide is private, not" in digest("newsletter", action, "tide").err
    assert Newsletter.objects.get().state == "private"


def test_pick_takes_an_article_by_any_spelling_of_its_address(digest: Digest) -> None:
    """It waits at the head of the next issue."""
    newsletter = make_newsletter(slug="tide")
    article = make_article(make_source(newsletter), title="Seals")
    result = digest("newsletter", "pick", "tide", f"{article.canonical_url}?utm_source=x#top")
    assert result.status == 0
    assert "'Seals' waits" in result.out
    assert "picked: Seals" in digest("newsletter", "show", "tide").out
    result = digest("newsletter", "pick", "tide", "https://elsewhere.example/")
    assert (result.status, result.out) == (1, "")
    assert "No article is known" in result.err


@pytest.mark.parametrize("action", ["show", "pause", "resume"])
def test_an_unknown_newsletter_is_answered_with_those_there_are(
    digest: Digest, action: str
) -> None:
    """A near miss is guessed at."""
    assert "There is none yet" in digest("newsletter", action, "tide").err
    make_newsletter(slug="morning-tide")
    assert "Did you mean 'morning-tide'?" in digest("newsletter", action, "morning-tid").err
    result = digest("newsletter", action, "x", "--json")
    assert result.status == 1
    assert "There are: morning-tide." in result.json["error"]


def test_what_subscribers_are_offered_is_set_and_shown(digest: Digest) -> None:
    """At the beginning, and changed later; what isn't named stays."""
    assert add(digest, "--offer", "weekly,daily", "--state", "private").status == 0
    values = digest("newsletter", "show", "tide").out
    assert "every issue or once a day or once a week" in values
    assert "On no public page" in values
    result = digest("newsletter", "set", "tide", "--state", "live", "--welcome-with-latest")
    assert "with the latest issue in the welcome" in result.out
    values = digest("newsletter", "set", "tide", "--offer", "none", "--json").json
    offer = (values["cadences"], values["state"], values["welcome_with_latest"])
    assert offer == ([], "live", True)
    digest("newsletter", "set", "tide", "--state", "closed", "--no-welcome-with-latest")
    newsletter = Newsletter.objects.get()
    assert (newsletter.state, newsletter.welcome_with_latest) == ("closed", False)


def test_whose_clock_it_goes_by_is_set_and_shown(digest: Digest) -> None:
    """The schedule's, unless somebody says otherwise."""
    assert add(digest, "--time", "07:00", "--local-time").status == 0
    arguments = "at its time of day in each subscriber's own zone"
    assert arguments in " ".join(digest("newsletter", "show", "tide").out.split())
    assert arguments not in digest("newsletter", "set", "tide", "--schedule-time").out
    assert not Newsletter.objects.get().send_in_local_time
    assert digest("newsletter", "set", "tide", "--local-time", "--json").json["send_in_local_time"]


def test_links_by_way_of_us_are_switched_and_shown(digest: Digest) -> None:
    """Off unless somebody says so."""
    assert add(digest, "--time", "07:00").status == 0
    assert not Newsletter.objects.get().redirect_links
    assert "by way of us" in digest("newsletter", "set", "tide", "--redirect-links").out
    result = digest("newsletter", "set", "tide", "--no-redirect-links", "--json")
    assert result.json["redirect_links"] is False


@pytest.mark.parametrize(
    ("options", "status", "arguments"),
    [
        ([], 1, "Say what to change"),
        (["--offer", "hourly"], 1, "'hourly' cannot be offered; offer daily, weekly"),
        (["--offer", ""], 1, "cannot be offered"),
        (["--state", "unlisted"], 2, "invalid choice"),
    ],
)
def test_a_bad_offer_changes_nothing(
    digest: Digest, options: list[str], status: int, arguments: str
) -> None:
    """And it says what there is."""
    make_newsletter(slug="tide", cadences=["weekly"])
    result = digest("newsletter", "set", "tide", *options)
    assert result.status == status
    assert arguments in result.err
    assert Newsletter.objects.get().cadences == ["weekly"]


def test_design_is_changed(digest: Digest) -> None:
    """With what stands beside the stories; an impossible number changes nothing."""
    make_newsletter(slug="tide")
    options = ("--design", "briefing", "--reading-time", "--contents-from", "0")
    values = digest("newsletter", "set", "tide", *options, "--json").json
    assert (values["design"], values["reading_time"], values["contents_from"]) == (
        "briefing",
        True,
        0,
    )
    refused = digest("newsletter", "set", "tide", "--contents-from", "101", "--no-reading-time")
    assert refused.status == 1
    assert "contents_from" in refused.err
    assert Newsletter.objects.get().reading_time


def test_a_publications_look_is_changed(digest: Digest) -> None:
    """As the console has it; a choice that does not exist changes nothing."""
    Publication.objects.filter(pk=make_publication().pk).update(slug="courier")
    options = ("--logo-dark", "https://courier.example/dark.png", "--fonts", "book")
    values = digest("publication", "set", "courier", *options, "--link-pictures", "--json").json
    assert (values["logo_dark_url"], values["fonts"]) == (options[1], "book")
    assert not Publication.objects.get(slug="courier").host_pictures
    assert "linked to the site" in digest("publication", "show", "courier").out
    assert "courier" in digest("publication", "list").out
    half_life = ["--popularity-half-life", "24"]
    assert "half after 24 hours" in digest("publication", "set", "courier", *half_life).out
    for wrong in (["--accent", "red"], ["--background", "plaid"], [*half_life[:1], "0"], []):
        assert digest("publication", "set", "courier", *wrong).status != 0
    assert Publication.objects.get(slug="courier").accent == "#1d4e89"
