"""The sample paper on a web server of its own: a publisher's site as Digest finds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from digest.core import clock
from digest.embedded.sample import paper
from digest.embedded.sample.feed import Item, rss
from tests.articles.publisher import Answer, Publisher


@contextmanager
def newsstand() -> Iterator[Publisher]:
    """A front page that names its feed, the feed, and the pictures."""
    site = Publisher()
    now = clock.now()
    since = now - timedelta(hours=1)
    items = [Item(story, story.appears_at(since)) for story in paper.published(since, now)]
    link = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    front = f"<!doctype html><html><head><title>Courier</title>{link}</head><p>Hello</html>"
    site.pages = {"/": front.encode(), "/feed.xml": rss(paper.particulars(), items, site.url(""))}
    for path in (paper.FOLDER / "images").iterdir():
        kind = "image/png" if path.suffix == ".png" else "image/jpeg"
        picture = Answer(path.read_bytes(), headers={"Content-Type": kind})
        site.pages[f"/images/{path.name}"] = picture
    try:
        yield site
    finally:
        site.stop()
