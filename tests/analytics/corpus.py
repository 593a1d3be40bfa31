"""A labelled corpus of what comes back from mails: sessions of people, scanners and image proxies.

Made by dice with a fixed seed, from what operators and senders have published:

- Gateways (Proofpoint, Mimecast, Barracuda, Cisco, appliances) follow all links of a mail within
  seconds of its delivery, hidden ones too; from their own networks, from clouds, or from the
  network of the company that they protect; most call themselves a browser.
- Microsoft Defender detonates some links from Azure, at the delivery and again later, and checks a
  link when it is clicked, as Mimecast does.
- Sandboxes come late from networks that no list has; some are headless browsers and say so.
- Gmail, Yahoo and Apple fetch pictures through proxies, Apple whether or not anybody looks.
- People read at any time after the delivery; some open tab after tab; they come from homes, phones,
  offices behind the same address as their scanner, VPNs in data centres, and Apple's relay.

Shares are estimates. What no rule can see is in it too: a scanner that follows a single link, from
an unlisted network, as a browser.
"""
# ruff: noqa: E501  user agents

import random
from collections.abc import Callable, Iterator
from enum import StrEnum, auto
from typing import NamedTuple

from digest.analytics.models import HitKind


class Label(StrEnum):
    """Who is behind a hit."""

    PERSON = auto()
    SCANNER = auto()
    PROXY = auto()


class Sample(NamedTuple):
    """A hit with its label."""

    label: Label
    family: str
    subscriber: int
    links: int  # in the mail; an issue for each of three numbers
    at: float  # seconds since the issue began to go out
    since: float  # seconds since this subscriber's delivery
    kind: HitKind
    link: int  # from 1; 0: an open; 99: the hidden link
    address: str  # IPv4
    user_agent: str
    is_head: bool = False
    is_prefetch: bool = False


CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:13{0}.0) Gecko/20100101 Firefox/13{0}.0"
TRIDENT = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko"
HEADLESS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/{}.0.0.0 Safari/537.36"
PREVIEWS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.24.1 A",
    "TelegramBot (like TwitterBot)",
)

# The first two bytes of networks; those of homes, offices and phones are in no list.
HOMES = ("81.153", "86.20", "91.45", "79.200", "2.28", "93.193", "24.6", "73.15", "88.120", "62.31")
PHONES = ("82.132", "92.40", "80.187", "172.56", "37.170", "109.249")
OFFICES = ("194.72", "212.58", "62.190", "195.99", "80.68", "193.113")
UNLISTED = ("185.93", "45.133", "194.33", "103.77", "91.90")  # small hosters
CLOUDS = ("52.20", "34.220", "20.50", "40.76", "35.190", "3.120", "18.195")
AZURE = ("20.110", "40.94", "52.240", "20.190", "13.70")
VPNS = ("146.70", "89.187", "37.120", "138.199")
RELAYS = ("172.226", "172.225", "104.28", "146.75")
OWN = {
    "proofpoint": ("67.231.15{}", "148.163.13{}", "205.220.17{}"),
    "mimecast": ("170.10.13{}", "207.211.3{}", "205.139.11{}"),
    "barracuda": ("209.222.8{}", "64.235.15{}"),
    "cisco": ("68.232.13{}", "216.71.13{}"),
}
TRAP = 99


class Sender:
    """The dice, and the subscriber whose mail a session is about."""

    def __init__(self, dice: random.Random, subscriber: int) -> None:
        """Deliver the mail of an issue at some time within 20 minutes of sending."""
        self.dice = dice
        self.subscriber = subscriber
        self.delivered = dice.uniform(0, 1200)
        self.links = dice.choice([8, 16, 30])
        self.office = self.address(OFFICES)

    def address(self, beginnings: tuple[str, ...]) -> str:
        """Return an address in a network that begins so."""
        parts = self.dice.choice(beginnings).split(".")
        parts = [part.format(self.dice.randint(0, 1)) for part in parts]
        return ".".join([*parts, *(str(self.dice.randint(1, 250)) for _ in range(4 - len(parts)))])

    def browser(self) -> str:
        """Return the user agent of a browser on a desk."""
        number = self.dice.randint(0, 5)
        return self.dice.choice([CHROME.format(f"13{number}.0.0.0"), FIREFOX.format(number)])

    def phone(self) -> str:
        """Return the user agent of a phone."""
        return self.dice.choice([IPHONE, ANDROID]).format(self.dice.randint(1, 9))

    def some_links(self, least: int, most: int) -> list[int]:
        """Return different links in the order of the mail."""
        number = min(self.links, self.dice.randint(least, most))
        return sorted(self.dice.sample(range(1, self.links + 1), number))

    def hit(self, label: Label, family: str, since: float, link: int, address: str, agent: str,
            **fields: bool) -> Sample:  # fmt: skip
        """Return a hit so long after the delivery; link 0 is an open."""
        kind = {0: HitKind.OPEN, TRAP: HitKind.TRAP}.get(link, HitKind.CLICK)
        at = self.delivered + since
        return Sample(
            label,
            family,
            self.subscriber,
            self.links,
            at,
            since,
            kind,
            link,
            address,
            agent,
            **fields,
        )

    def scan(self, family: str, begin: float, links: list[int], pause: tuple[float, float],
             addresses: list[str], agent: str, **fields: bool) -> Iterator[Sample]:  # fmt: skip
        """Follow links one after the other, from one address or several."""
        since = begin
        for link in links:
            address = self.dice.choice(addresses)
            yield self.hit(Label.SCANNER, family, since, link, address, agent, **fields)
            since += self.dice.uniform(*pause)

    def all_links(self, hidden: float) -> list[int]:
        """Return all links of the mail, with the hidden one by some probability."""
        links = list(range(1, self.links + 1))
        if self.dice.random() < hidden:
            links.insert(self.dice.randint(0, self.links), TRAP)
        return links

    def delay(self) -> float:
        """Return how long after the delivery a person reads: from 8 seconds to days."""
        return max(8.0, self.dice.lognormvariate(9.0, 1.6))


def proofpoint(sender: Sender) -> Iterator[Sample]:
    """All links at once, from its own networks or from Amazon's."""
    dice = sender.dice
    beginnings = OWN["proofpoint"] if dice.random() < 0.75 else ("52.20", "54.160")
    addresses = [sender.address(beginnings) for _ in range(dice.randint(1, 4))]
    links = sender.all_links(0.95)
    yield from sender.scan(
        "proofpoint", dice.uniform(0.5, 90), links, (0.01, 0.4), addresses, sender.browser()
    )


def mimecast(sender: Sender) -> Iterator[Sample]:
    """All links from its own networks, and a check of the link that somebody clicks."""
    dice = sender.dice
    address = sender.address(OWN["mimecast"])
    yield from sender.scan(
        "mimecast", dice.uniform(1, 60), sender.all_links(0.9), (0.05, 0.6), [address], TRIDENT
    )
    link, since = dice.randint(1, sender.links), sender.delay()
    agent = sender.browser()
    yield sender.hit(Label.SCANNER, "mimecast", since - dice.uniform(0, 3), link, address, agent)
    yield sender.hit(Label.PERSON, "office", since, link, sender.office, agent)


def barracuda(sender: Sender) -> Iterator[Sample]:
    """One link after the other, as an old browser."""
    dice = sender.dice
    address = sender.address(OWN["barracuda"] if dice.random() < 0.6 else ("54.160", "3.120"))
    yield from sender.scan(
        "barracuda", dice.uniform(2, 60), sender.all_links(0.9), (0.3, 2.0), [address], TRIDENT
    )


def defender(sender: Sender) -> Iterator[Sample]:
    """Some links at the delivery, some again later; another one beside a person's click."""
    dice = sender.dice
    addresses = [sender.address(AZURE) for _ in range(3)]
    agent = sender.browser()
    for begin in (dice.uniform(1, 80), dice.uniform(300, 3600)):
        links = sender.some_links(3, sender.links)
        if dice.random() < 0.8:
            links.append(TRAP)
        yield from sender.scan("defender", begin, links, (0.02, 0.5), addresses, agent)
    link, since = dice.randint(1, sender.links), sender.delay()
    yield sender.hit(Label.PERSON, "office", since, link, sender.office, sender.browser())
    yield sender.hit(
        Label.SCANNER, "defender", since + dice.uniform(0, 8), link, addresses[0], agent
    )


def cisco(sender: Sender) -> Iterator[Sample]:
    """HEAD requests, with a name of its own or none."""
    dice = sender.dice
    agent = dice.choice(["", "Cisco-Secure-Email-URL-Scanner/1.0", CHROME.format("120.0.0.0")])
    yield from sender.scan(
        "cisco", dice.uniform(1, 30), sender.all_links(0.9), (0.02, 0.3),
        [sender.address(OWN["cisco"])], agent, is_head=dice.random() < 0.5,
    )  # fmt: skip


def appliance(sender: Sender) -> Iterator[Sample]:
    """An office's own gateway, behind the address of its people, who read the mail later."""
    dice, agent = sender.dice, sender.browser()
    pause = (0.02, 0.5) if dice.random() < 0.7 else (0.5, 3.0)
    yield from sender.scan(
        "appliance", dice.uniform(1, 20), sender.all_links(0.9), pause, [sender.office], agent
    )
    since = max(900.0, sender.delay())
    for link in sender.some_links(1, 3):
        yield sender.hit(Label.PERSON, "office", since, link, sender.office, sender.browser())
        since += dice.uniform(4, 90)


def sandbox(sender: Sender) -> Iterator[Sample]:
    """Some links, late, from a network that no list has."""
    dice = sender.dice
    agent = HEADLESS.format(131) if dice.random() < 0.4 else sender.browser()
    links = sender.some_links(4, 12) + ([TRAP] if dice.random() < 0.75 else [])
    yield from sender.scan(
        "sandbox", dice.uniform(300, 5400), links, (0.05, 1.0), [sender.address(UNLISTED)], agent
    )


def single(sender: Sender) -> Iterator[Sample]:
    """A single link, from a cloud or an unlisted hoster, soon after the delivery."""
    beginnings = CLOUDS if sender.dice.random() < 0.7 else UNLISTED
    link = sender.dice.randint(1, 3)
    yield from sender.scan(
        "single", sender.dice.uniform(0.5, 100), [link], (0, 0),
        [sender.address(beginnings)], sender.browser(),
    )  # fmt: skip


def preview(sender: Sender) -> Iterator[Sample]:
    """A person shares a link, and the programs that show it fetch it."""
    since, link = sender.delay(), sender.dice.randint(1, sender.links)
    yield sender.hit(Label.PERSON, "home", since, link, sender.address(HOMES), sender.browser())
    yield from sender.scan(
        "preview", since + 60, [link], (0, 0), [sender.address(CLOUDS)],
        sender.dice.choice(PREVIEWS),
    )  # fmt: skip


def reading(
    family: str, networks: tuple[str, ...], agent: Callable[[Sender], str]
) -> Callable[[Sender], Iterator[Sample]]:
    """Return people who open the mail and click a link or a few."""

    def session(sender: Sender) -> Iterator[Sample]:
        dice, address, name = sender.dice, sender.address(networks), agent(sender)
        since = sender.delay()
        yield sender.hit(Label.PERSON, family, since - 4, 0, address, name)
        for link in sender.some_links(1, dice.choice([1, 1, 1, 2, 3, 5])):
            yield sender.hit(Label.PERSON, family, since, link, address, name)
            since += dice.uniform(5, 180)

    return session


def tabs(sender: Sender) -> Iterator[Sample]:
    """A person who opens what sounds good in tabs, and reads then; a few do by a VPN."""
    dice, name = sender.dice, sender.browser()
    address = sender.address(VPNS if dice.random() < 0.05 else HOMES)
    since = sender.delay()
    for link in sender.some_links(3, 8):
        yield sender.hit(Label.PERSON, "tabs", since, link, address, name)
        since += dice.uniform(0.55, 2.5)


def quick(sender: Sender) -> Iterator[Sample]:
    """A person who has the mailbox open when the mail comes."""
    since, link = sender.dice.uniform(4, 15), sender.dice.randint(1, 3)
    yield sender.hit(Label.PERSON, "quick", since, link, sender.address(HOMES), sender.browser())


def pictures(sender: Sender) -> Iterator[Sample]:
    """Opens by the proxies of Gmail, Yahoo and Apple."""
    gmail = (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    )
    yahoo = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
    beginnings, agent = sender.dice.choice(
        [(("66.249.8{}", "66.102.{}"), gmail), (("98.136",), yahoo), (RELAYS, "Mozilla/5.0")]
    )
    since = sender.dice.choice([sender.dice.uniform(1, 60), sender.delay()])
    yield sender.hit(Label.PROXY, "pictures", since, 0, sender.address(beginnings), agent)


SESSIONS: dict[Callable[[Sender], Iterator[Sample]], float] = {
    proofpoint: 4,
    mimecast: 3,
    barracuda: 4,
    defender: 8,
    cisco: 2,
    appliance: 3,
    sandbox: 2,
    single: 4,
    preview: 1,
    reading("home", HOMES, Sender.browser): 60,
    reading("phone", PHONES, Sender.phone): 70,
    reading("office", OFFICES, Sender.browser): 30,
    reading("vpn", VPNS + CLOUDS, Sender.browser): 4,
    reading("relay", RELAYS, lambda sender: IPHONE.format(sender.dice.randint(1, 6))): 14,
    tabs: 9,
    quick: 3,
    pictures: 40,
}


def corpus(seed: int, sessions: int) -> list[Sample]:
    """Return the hits of so many sessions in the order of time."""
    dice = random.Random(seed)
    kinds = dice.choices(list(SESSIONS), list(SESSIONS.values()), k=sessions)
    hits = [
        hit
        for number, session in enumerate(kinds, start=1)
        for hit in session(Sender(dice, number))
    ]
    return sorted(hits, key=lambda hit: hit.at)
