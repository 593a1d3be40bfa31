"""The console's house in three states: just set up, lived in, and in trouble by hostile hands."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from digest.accounts import audit, tokens
from digest.accounts.models import User
from digest.accounts.scopes import Scope
from digest.articles.models import Article, Source
from digest.bounces.models import DomainResult
from digest.core import clock
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Invitation, Member, Newsletter, Role
from digest.notices.models import Notice
from digest.relays.models import Relay
from digest.reputation.models import (
    DmarcReport,
    DmarcRow,
    SendingHost,
    ServiceConnection,
    ServiceReading,
)
from digest.sending.models import Delivery
from digest.subscribers import suppression
from digest.subscribers.models import ConsentEvent, Subscriber
from digest.transfers import queue as transfers
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from digest.webhooks import registry
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook, WebhookDelivery
from tests.analytics.statistics.factories import make_clicks, make_link, make_totals
from tests.cast import exports
from tests.cast.articles import make_article, make_source
from tests.cast.bounces import make_drop
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import (
    make_layout_block,
    make_newsletter,
    make_publication,
    make_schedule,
    make_signup_form,
)
from tests.cast.notices import make_notice
from tests.cast.relays import make_paused_domain
from tests.cast.subscribers import make_subscriber
from tests.console import house_audience

PASSWORD = "correct-horse-battery"
# Each would leave a mark if it ran, by another way: an element, an attribute, a script's end.
EVIL = (
    "<script>window.hacked=1</script><img src=x onerror='window.hacked=2'>"
    "\"' autofocus onfocus=window.hacked=3 </script></textarea></title><svg onload=window.hacked=4>"
    "{{ 7 * 7 }} ${7*7}"
)
EVIL_LINK = "javascript:window.hacked=5"
EVIL_BROWSER = "Mozilla/5.0 <script>window.hacked=6</script>"


def just_set_up() -> User:
    """Somebody who owns everything, of which there is a publication with an empty newsletter."""
    make_newsletter(publication=make_publication())
    return User.objects.create_superuser("ada@courier.example", PASSWORD)


def lived_in(subscribers: int = 30) -> User:
    """A newsroom of three with two newsletters, issues past, present and to come."""
    ada, now = User.objects.create_superuser("ada@courier.example", PASSWORD), clock.now()
    publication = make_publication(
        tagline="News from the coast", sender_email="n@courier.example", tracking="individual"
    )
    morning = make_newsletter(publication=publication, slug="morning-tide", cadences=["weekly"])
    evening = make_newsletter(publication=publication, slug="evening-ebb", name="The Evening Ebb")
    make_newsletter(publication=publication, slug="breaking", name="Breaking", state="paused")
    make_schedule(morning, since=now)
    make_signup_form(morning, name="Below articles", kind="popup", headline="Every morning")
    make_schedule(evening, cron="30 17 * * 1-5", time=None, days=[], since=now)
    make_layout_block(morning, kind="topic", title="Harbour", topics=["harbour"])
    _sources(morning, now)
    _make_team(ada, publication.pk, now)
    for number in range(subscribers):
        _subscriber(morning, number, now)
    for ago in range(5, 0, -1):
        _past(morning, now - timedelta(days=ago))
    _tested(_at(morning, Issue.State.SENDING, now, subscribers), now)
    draft = _at(morning, Issue.State.DRAFT, now + timedelta(hours=3), 0)
    draft.left_out = [{"article": 1, "title": "The tide tables", "reason": "one story a source"}]
    draft.review_until = draft.slot
    draft.save()
    Appeal.objects.create(
        publication=publication,
        heading="A message from the Courier",
        body="We are five people and a boat.\n\nHelp us stay afloat.",
        button="Support us",
        url="https://courier.example/support",
        starts_at=now,
    )
    _lists(evening, now)
    house_audience.fill_profiles(morning, now)
    _deliverability(morning, now)
    return ada


def _tested(issue: Issue, now: datetime) -> None:
    """Subjects were tested, and the second one won."""
    results = [{"mails": n, "clickers": n // 20, "best": n / 1000} for n in (490, 510)]
    Experiment.objects.create(
        issue=issue,
        subjects=["Forty seals, and counting"],
        share=20,
        minutes=120,
        decides_at=now,
        decided_at=now,
        winner=1,
        finding="winner",
        results=results,
    )


def _lists(newsletter: Newsletter, now: datetime, text: str = "Harbour, north") -> None:
    """Two uploads: one that waits to be imported, and one that has been."""
    cell = '"' + text.replace('"', '""') + '"'
    lists = (
        (
            "Email Address,First Name,MEMBER_RATING,UNSUB_TIME,Status,Notes\n"
            f"ana@r.example,Ana,4,,Subscribed,{cell}\nben@r.example,Ben,2,2020-01-01,,{cell}\n"
            f"cid@r.example,{cell},2,,Cleaned,\n{cell},,,,Subscribed,\ndee@r.example,,,,,{cell}\n"
        ),
        "email,status\nana@r.example,active\nben@r.example,zombie\n",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        for content in lists:
            path.write_text(content)
            name = f"subscribed {text[:80]}.csv"
            upload = transfers.add_list(path, name, newsletter, text[:500], 1_000_000, now)
    transfers.run_due(now)
    transfers.begin(Transfer.objects.get(pk=upload.pk))
    transfers.run_due(now)
    _transfers(newsletter, now, text)


def _transfers(newsletter: Newsletter, now: datetime, text: str) -> None:
    """Exports of other services: one that is imported, one that waits, one that failed."""
    posts = [
        exports.ghost_post(title=text, custom_excerpt=text, html=f"<p>{text}</p>"),
        exports.ghost_post(id="p2", uuid="2", status="draft", title=text),
    ]
    options = Options(consent=text[:500])
    with tempfile.TemporaryDirectory() as folder:
        members, site = Path(folder) / "members.csv", Path(folder) / "site.json"
        members.write_text(exports.GHOST_MEMBERS.replace("VIP", "press"))
        site.write_text(exports.ghost_json(posts))
        paths = [(members, f"{text[:80]}.csv"), (site, "site.json")]
        imported = transfers.add_files(paths, newsletter, options, now)
        transfers.run_due(now)
        transfers.begin(imported)
        transfers.run_due(now)
        transfers.add_files(paths[:1], newsletter, options, now)
        transfers.add_files([(site, text[:80]), (site, "2")], newsletter, options, now)
    transfers.run_due(now)


def in_trouble() -> User:
    """Everything that can fail has, and every word from outside was written by an attacker."""
    ada = lived_in(4)
    now = clock.now()
    Article.objects.update(title=EVIL, summary=EVIL, byline=EVIL, section=EVIL[:200], tags=[EVIL])
    Article.objects.update(url=EVIL_LINK)
    Source.objects.update(title=EVIL[:300], failures=7, problem=EVIL, polled_at=now)
    Subscriber.objects.update(name=EVIL[:200], language="en")
    morning = Newsletter.objects.get(slug="morning-tide")
    _lists(morning, now, EVIL)
    for issue in Issue.objects.filter(state__in=["draft", "sending"]):
        issue.stories.update(
            title=EVIL, summary=EVIL, byline=EVIL, image_alt=EVIL, reason=EVIL, url=EVIL_LINK
        )
        Issue.objects.filter(pk=issue.pk).update(
            own_subject=EVIL[:250],
            left_out=[{"article": 1, "title": EVIL, "reason": EVIL}],
            only_topics=[EVIL[:200]],
        )
    Experiment.objects.update(subjects=[EVIL[:250]])
    house_audience.spoil(EVIL)
    DomainResult.objects.filter(domain="club.example").update(domain=EVIL.replace("/", ""))
    DmarcReport.objects.update(organization=EVIL[:255])
    SendingHost.objects.update(name=EVIL.replace(".", "")[:253])
    stuck = _at(morning, Issue.State.PAUSED, now - timedelta(hours=1), 4)
    Issue.objects.filter(pk=stuck.pk).update(reason=EVIL, subject=EVIL)
    Delivery.objects.filter(issue=stuck).update(
        state=Delivery.State.UNCERTAIN, times_uncertain=1, reply=EVIL, attempts=1
    )
    Delivery.objects.filter(issue__state="sending").update(
        state=Delivery.State.FAILED, reply_code=550, reply=EVIL, settled_at=now
    )
    for subscriber in Subscriber.objects.all():
        times = {"due_at": now, "created_at": now, "settled_at": now}
        make_notice(morning.publication, subscriber, state=Notice.State.FAILED, reply=EVIL, **times)
    suppression.suppress(
        Subscriber.objects.earliest("pk").address_key, reason="bounced", evidence=EVIL, now=now
    )
    holds.begin(Hold.Reason.RESTORED, now)
    relay = Relay.objects.create(
        name="backup", down_since=now, retry_at=now + timedelta(hours=1), problem=EVIL, failures=9
    )
    make_paused_domain(relay, domain="mail.example", reason=EVIL)
    webhook, _ = registry.add("crm", "https://crm.example/webhook", list(Event), now=now)
    Webhook.objects.filter(pk=webhook.pk).update(disabled_at=now, failures=20, note=EVIL)
    WebhookDelivery.objects.create(
        webhook=webhook,
        event=Event.SENT,
        at=now,
        newsletter=morning,
        due_at=now,
        reply=EVIL,
        state=3,
    )
    audit.record(ada, EVIL, now, target=EVIL[:300], url=EVIL_LINK)
    return ada


def _sources(newsletter: Newsletter, now: datetime) -> None:
    feed = make_source(newsletter, title="The Saltmarsh Courier", polled_at=now, succeeded_at=now)
    make_source(newsletter, url="https://harbour.example/", kind="page", title="Harbour office")
    for hours in range(12):
        make_article(feed, published_at=now - timedelta(hours=hours), tags=["harbour"])


def _make_team(ada: User, publication: int, now: datetime) -> None:
    for name, role in (("ben", Role.EDITOR), ("cleo", Role.ANALYST)):
        user = User.objects.create_user(f"{name}@courier.example", PASSWORD, is_staff=True)
        Member.objects.create(user=user, publication_id=publication, role=role, created_at=now)
    Invitation.objects.create(
        email="dora@courier.example", publication_id=publication, invited_by=ada, created_at=now
    )
    tokens.create("the website", ada, [Scope.ISSUES_READ], publication_id=publication, now=now)
    audit.record(ada, "invited as Editor", now, target="dora@courier.example", ip="192.0.2.1")


def _subscriber(newsletter: Newsletter, number: int, now: datetime) -> None:
    subscriber = make_subscriber(
        newsletter,
        email=f"subscriber{number}@reader.example",
        name=f"Subscriber {number}",
        timezone="Europe/Berlin",
    )
    ConsentEvent.objects.create(
        subscriber=subscriber,
        newsletter=newsletter,
        action=ConsentEvent.Action.CONFIRMED,
        at=now - timedelta(days=number),
        via="page",
        ip="192.0.2.7",
        wording="Yes, send me The Morning Tide.",
    )


def _at(newsletter: Newsletter, state: str, slot: datetime, subscribers: int) -> Issue:
    """An issue of four stories in a state, on its way to some subscribers."""
    planned = slot if state in {Issue.State.SENDING, Issue.State.PAUSED} else None
    issue = make_issue(newsletter, state=state, slot=slot, planned_at=planned)
    for article in Article.objects.order_by("pk")[:4]:
        make_story(issue, article=article, title=article.title, topics=["harbour"])
    Issue.objects.filter(pk=issue.pk).update(subject="Seals return to the sandbank")
    Delivery.objects.bulk_create(
        Delivery(issue=issue, subscriber=subscriber, due_at=slot + timedelta(hours=1))
        for subscriber in Subscriber.objects.order_by("pk")[:subscribers]
    )
    return issue


def _past(newsletter: Newsletter, slot: datetime) -> None:
    """An issue that went out, to nine in ten."""
    issue = _at(newsletter, Issue.State.SENDING, slot, 30)
    Issue.objects.filter(pk=issue.pk).update(state=Issue.State.SENT, finished_at=slot)
    rows = Delivery.objects.filter(issue=issue)
    rows.update(state=Delivery.State.SENT, settled_at=slot, attempts=1, reply_code=250, reply="Ok")
    last = rows.order_by("-pk").values("pk")[:3]
    rows.filter(pk__in=last).update(
        state=Delivery.State.FAILED, reply_code=550, reply="5.1.1 No such user here"
    )
    _clicks(issue)


def _clicks(issue: Issue) -> None:
    """People who clicked the stories of an issue in its first hours, and a scanner."""
    stories = issue.stories.order_by("position")
    for number, story in enumerate(stories):
        link = make_link(issue, story)
        for after in range(6):
            make_clicks(link, 12 // (number + after + 1), after=after, machine=30)
    make_totals(issue, 14, machine_clicks=720)


def _deliverability(newsletter: Newsletter, now: datetime) -> None:
    """Results of a week at two providers and a domain, and a drop at one of them."""
    issues = newsletter.issues.filter(state=Issue.State.SENT).order_by("slot")
    for number, issue in enumerate(issues):
        for domain, sent, refused in (
            ("gmail.com", 900 - 300 * (number % 2), 300 * (number % 2)),
            ("hotmail.fr", 300, 4),
            ("club.example", 60, 0),
            ("", 40, 1),
        ):
            DomainResult.objects.create(
                issue=issue,
                domain=domain,
                sent=sent,
                deferred=sent // 30,
                refused=refused,
                clickers=sent // 9,
                counted_at=now,
            )
    for number in range(6):
        day = (now - timedelta(days=number)).date()
        ServiceReading.objects.create(
            kind="postmaster",
            subject="courier.example",
            day=day,
            spam_share=0.0005 * number,
            dkim_share=0.99,
            error_share=0.02,
        )
        ServiceReading.objects.create(
            kind="snds",
            subject=f"192.0.2.{number}",
            day=day,
            color=("green", "yellow", "red")[number % 3],
            trap_hits=number,
            mails=9_000,
        )
    ServiceConnection.objects.create(
        kind="snds",
        address="https://snds.example",
        sealed_secret="",
        due_at=now + timedelta(hours=6),
        problem="Microsoft SNDS refuses the key (403). Copy it again from SNDS.",
    )
    report = DmarcReport.objects.create(
        organization="Post & Sons",
        report_id="1",
        domain="courier.example",
        policy="none",
        begin=now - timedelta(days=2),
        end=now - timedelta(days=1),
        received_at=now,
    )
    for number, (passed, spf) in enumerate(((True, True), (True, False), (False, False)), 1):
        ip = f"192.0.2.{number}"
        DmarcRow.objects.create(report=report, ip=ip, mails=90 // number, dkim=passed, spf=spf)
    SendingHost.objects.create(
        ip="192.0.2.1", name="mail.courier.example", is_ours=True, checked_at=now
    )
    make_drop(issues[0], mails=900, share=0.36, usual_share=0.03, noticed_at=now)
