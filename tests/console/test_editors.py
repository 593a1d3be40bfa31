"""The editors of the console in a real browser: rich text, and lines with values to insert."""

# ruff: noqa: E501  documents and pages read best on a line each

import json
import os
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.core.rich_text import parse
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size
from tests.browser import chromium_page, in_browser, serious_violations, settle
from tests.cast import make_picture, make_publication
from tests.cast.accounts import browser_of, make_superuser
from tests.core.test_rich_text import FROM_DOCS, FROM_WORD
from tests.documents import PICTURE, block, document, image, link, paragraph, text

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.console.editor_page"),
]
SHOTS = os.environ.get("DIGEST_SHOTS")  # a folder for pictures
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
FROM_THE_WEB = (
    "<h1>Top</h1><table><tr><td>cell</td></tr></table><script>alert(1)</script><blockquote><h2>said</h2></blockquote>"
    "<p style='color:red' onclick='x'>a <a href='javascript:alert(1)'>b</a> <a href='https://a.example/' target=x>c</a></p>"
)
PASTE = """(node, data) => {
    const clipboard = new DataTransfer();
    for (const [type, value] of Object.entries(data)) clipboard.setData(type, value);
    node.dispatchEvent(new ClipboardEvent("paste", {clipboardData: clipboard, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def page(live_server: LiveServer) -> Iterator[Page]:
    """The page with editors, in the browser of somebody who is signed in."""
    cache.clear()
    client = browser_of(make_superuser())
    session = client.cookies["sessionid"].value
    with chromium_page(viewport={"width": 1000, "height": 900}) as browser:
        browser.context.add_cookies(
            [{"name": "sessionid", "value": session, "url": live_server.url}]
        )
        browser.goto(f"{live_server.url}/admin/editors/")
        expect(note(browser)).to_be_visible()
        yield browser


def note(page: Page) -> Locator:
    """Return the editor of the first text."""
    return page.get_by_role("textbox", name="Note")


def saved(page: Page, name: str = "note") -> Any:
    """Return what the form would send: a document that the server accepts as it is."""
    value = json.loads(page.locator(f"input[name={name}]").input_value())
    return parse(value)


def button(page: Page, name: str) -> Locator:
    """Return a button of the first toolbar."""
    return page.get_by_role("toolbar").first.get_by_role("button", name=name, exact=True)


def shot(page: Page, name: str) -> None:
    """Take a picture, where somebody wants to look at it."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"editors-{name}.png", full_page=True)


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        page.keyboard.press(key)


def clear(page: Page) -> None:
    """Empty the note."""
    note(page).click()
    press(page, "Control+a", "Delete")


@in_browser
def test_writing_and_formatting_by_keyboard_and_toolbar(page: Page) -> None:
    """What is typed is in the form's field at once, and in the server's text after saving."""
    clear(page)
    page.keyboard.type("Dear all, ")
    page.keyboard.press("Control+b")
    expect(button(page, "Bold")).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("high")
    press(page, "Control+b", "Control+i")
    page.keyboard.type(" water")
    page.keyboard.press("Enter")
    button(page, "Heading").click()
    page.keyboard.type("Tides")
    page.keyboard.press("Enter")
    button(page, "Bulleted list").click()
    page.keyboard.type("six")
    press(page, "Enter", "Tab")
    page.keyboard.type("sharp")
    press(page, "Enter", "Enter", "Enter")
    button(page, "Quote").click()
    page.keyboard.type("Never.")
    shot(page, "written")
    assert saved(page) == document(
        paragraph(
            text("Dear all, "), text("high", {"type": "bold"}), text(" water", {"type": "italic"})
        ),
        block("heading", text("Tides"), level=2),
        block(
            "bulletList",
            block("listItem", paragraph(text("six")), block("bulletList", block("listItem", paragraph(text("sharp"))))),
        ),
        block("blockquote", paragraph(text("Never."))),
    )  # fmt: skip
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_have_text(
        "Dear all, high water\n\nTides\n\nsix\n\nsharp\n\nNever."
    )
    expect(note(page)).to_contain_text("Dear all, high water")


@in_browser
def test_undo_and_redo_are_the_editors_own(page: Page) -> None:
    """By keyboard and by button."""
    before = saved(page)
    note(page).click()
    page.keyboard.press("End")
    page.keyboard.type(" and more")
    page.keyboard.press("Control+z")
    assert saved(page) == before
    button(page, "Redo").click()
    assert saved(page) != before


@in_browser
def test_links_are_web_or_mail_addresses(page: Page) -> None:
    """https:// is added, javascript: is refused with a reason, a link can be removed."""
    clear(page)
    page.keyboard.type("harbour")
    press(page, "Control+a", "Control+k")
    dialog = page.get_by_role("dialog")
    address = dialog.get_by_label("Web or email address")
    expect(address).to_be_focused()
    for refused in ("javascript:alert(1)", "data:text/html,x", "nothing", ""):
        address.fill(refused)
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).not_to_be_empty()
    shot(page, "link")
    address.fill("example.org/tides")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(note(page)).to_be_focused()
    target = link("https://example.org/tides")
    assert saved(page) == document(paragraph(text("harbour", target)))
    page.keyboard.press("End")
    page.keyboard.type(" office")
    assert saved(page) == document(paragraph(text("harbour", target), text(" office")))
    note(page).locator("a").click()
    button(page, "Link").click()
    expect(address).to_have_value("https://example.org/tides")
    address.fill("desk@example.org")
    dialog.get_by_role("button", name="Save link").click()
    expect(dialog).to_be_hidden()
    mail = link("mailto:desk@example.org")
    assert saved(page) == document(paragraph(text("harbour", mail), text(" office")))
    page.keyboard.press("Control+k")
    dialog.get_by_role("button", name="Remove link").click()
    expect(dialog).to_be_hidden()
    assert saved(page) == document(paragraph(text("harbour office")))


@in_browser
@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (FROM_WORD, document(
            paragraph(text("Agenda", {"type": "bold"})),
            block("bulletList", block("listItem", paragraph(text("Harbour"))), block("listItem", paragraph(text("Fish market")))),
            block("orderedList", block("listItem", paragraph(text("First"))), start=1),
        )),
        (FROM_DOCS, document(
            paragraph(text("Plain, "), text("bold", {"type": "bold"}), text(" and italic", {"type": "italic"}))
        )),
        (
            FROM_THE_WEB,
            document(
                block("heading", text("Top"), level=2), paragraph(text("cell")), block("blockquote", paragraph(text("said"))),
                paragraph(text("a b "), text("c", link("https://a.example/"))),
            ),
        ),
    ],
    ids=["word", "docs", "web"],
)  # fmt: skip
def test_pasting_keeps_what_the_schema_has(page: Page, html: str, expected: Any) -> None:
    """From Word, Google Docs and the web."""
    clear(page)
    note(page).evaluate(PASTE, {"text/html": html, "text/plain": "x"})
    assert saved(page) == expected


@in_browser
def test_pictures_that_are_pasted_are_left_out_and_that_is_said(page: Page) -> None:
    """Hot-linked pictures would tell their owner who opens the mail."""
    clear(page)
    note(page).evaluate(PASTE, {"text/html": "<p>a<img src='https://x.example/p.gif' alt=b>c</p>"})
    assert saved(page) == document(paragraph(text("ac")))
    expect(
        page.get_by_role("status").filter(has_text="Pictures of the pasted text")
    ).to_be_visible()


@in_browser
def test_a_picture_comes_from_the_library_with_its_alternative_text(page: Page) -> None:
    """The button is there where the library's dialog is."""
    expect(button(page, "Picture")).to_have_count(0)
    page.add_init_script(
        f"""window.pickPicture = async ({{publication}}) =>
            ({{uuid: "{PICTURE}", url: "data:image/gif;base64,R0lGODlhAQABAAAAACw=", alt: "From " + publication}});"""
    )
    page.reload()
    clear(page)
    page.keyboard.type("before")
    button(page, "Picture").click()
    alt = page.get_by_label("Alternative text")
    expect(alt).to_have_value("From 7")
    alt.fill("The quay at dawn")
    assert saved(page) == document(paragraph(text("before")), image(alt="The quay at dawn"))
    shot(page, "picture")


@in_browser
def test_a_stored_picture_is_shown(page: Page, live_server: LiveServer) -> None:
    """Only if it is one of the publication: another one's address is not given away."""
    picture, foreign = make_picture(make_publication()), make_picture(make_publication())
    address = rendition_of(picture, Size.WIDE).url
    page.route(address, lambda route: route.fulfill(body=PIXEL, content_type="image/gif"))
    pages = f"{live_server.url}/admin/editors/?publication={picture.publication_id}&picture="
    page.goto(pages + str(picture.uuid))
    expect(page.get_by_role("img", name="The quay")).to_have_attribute("src", address)
    assert saved(page) == document(image(str(picture.uuid), "The quay"))
    page.goto(pages + str(foreign.uuid))
    expect(page.get_by_label("Alternative text")).to_have_value("The quay")
    assert page.locator("figure img").get_attribute("src") is None


@in_browser
def test_an_editor_starts_when_it_is_inserted_and_ends_when_it_is_removed(page: Page) -> None:
    """Pages swap parts of pages; a block that is dragged keeps its text."""
    page.evaluate("""() => {
        window.changes = [];
        document.addEventListener("rich-text:change", ({detail}) => window.changes.push(detail));
        const copy = document.createElement("div");
        copy.innerHTML = `<rich-text data-tiptap="${document.querySelector("rich-text").dataset.tiptap}"
            data-labelledby="late" data-document='{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"late"}]}]}'>
            <span id="late">Late</span><textarea name="late"></textarea></rich-text>`;
        document.querySelector("form:has(rich-text)").prepend(copy);
    }""")
    late = page.get_by_role("textbox", name="Late")
    late.click()
    page.keyboard.press("End")
    page.keyboard.type("r")
    assert page.evaluate("window.changes") == [{"name": "late", "document": saved(page, "late")}]
    page.evaluate(
        "document.querySelector('form:has(rich-text)').append(document.querySelector('[name=late]').closest('div'))"
    )
    expect(late).to_have_text("later")
    page.evaluate(
        "window.removed = document.querySelector('[name=late]').closest('rich-text'); removed.remove()"
    )
    assert page.evaluate("window.removed.editor === null")
    page.evaluate("document.querySelector('form:has(rich-text)').append(window.removed)")
    expect(late).to_have_text("later")


@in_browser
def test_the_toolbar_is_one_stop_of_the_keyboard(page: Page) -> None:
    """Tab goes into it and on; arrows move within it; Escape returns to the text."""
    note(page).click()
    page.keyboard.press("Shift+Tab")
    expect(button(page, "Heading")).to_be_focused()
    press(page, "ArrowRight", "ArrowRight")
    expect(button(page, "Bold")).to_be_focused()
    page.keyboard.press("End")
    expect(button(page, "Redo")).to_be_focused()
    page.keyboard.press("Tab")
    expect(note(page)).to_be_focused()
    page.keyboard.press("Tab")
    expect(
        page.get_by_role("toolbar").nth(1).get_by_role("button", name="Heading", exact=True)
    ).to_be_focused()


@in_browser
def test_the_pages_with_editors_can_be_used_by_all(page: Page) -> None:
    """Axe finds nothing serious."""
    settle(page)
    shot(page, "start")
    assert serious_violations(page) == []


@in_browser
def test_without_javascript_the_fields_are_plain_text(page: Page, live_server: LiveServer) -> None:
    """An unchanged text keeps its formatting."""
    browser = page.context.browser
    assert browser
    cookies: Any = page.context.cookies()
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(cookies)
    other = plain.new_page()
    other.goto(f"{live_server.url}/admin/editors/")
    expect(other.locator("textarea[name=note]")).to_have_value("Hello bold")
    expect(other.get_by_label("Subject")).to_have_value(
        "Today: {{stories[0].title}} and {{ stories | length }} more"
    )
    other.get_by_role("button", name="Save").click()
    assert '"marks":[{"type":"bold"}]' in (
        other.locator("rich-text").first.get_attribute("data-document") or ""
    )


def subject(page: Page) -> Locator:
    """Return the line with chips."""
    return page.get_by_role("textbox", name="Subject")


def sent(page: Page, name: str = "subject") -> str:
    """Return what the form would send of a line."""
    return page.locator(f"input[name={name}]").input_value()


@in_browser
def test_a_template_is_shown_with_chips_and_stored_as_jinja(page: Page) -> None:
    """Known values are chips; a value goes where the cursor is; Backspace removes it whole."""
    expect(subject(page)).to_have_text("Today: Lead headline and Number of stories more")
    expect(page.locator(".template-example").first).to_contain_text(
        "example of Today: {{stories[0].title}} and"
    )
    assert sent(page) == "Today: {{stories[0].title}} and {{ stories | length }} more"  # as stored
    subject(page).click()
    page.keyboard.press("End")
    page.keyboard.type(" on ")
    page.get_by_role("button", name="Insert Date").first.click()
    assert (
        sent(page)
        == "Today: {{ stories[0].title }} and {{ stories | length }} more on {{ issue.date }}"
    )
    shot(page, "chips")
    expect(page.locator(".template-example").first).to_contain_text(
        "on {{ issue.date }} · 92 characters: phones show"
    )
    page.keyboard.press("Backspace")
    assert sent(page).endswith(" more on ")
    page.keyboard.type("it")
    page.keyboard.press("Enter")
    expect(subject(page)).to_have_text("Today: Lead headline and Number of stories more on it")


@in_browser
def test_other_jinja_is_plain_text_under_advanced(page: Page) -> None:
    """Nothing of it is lost, and the way back is there once chips can show it."""
    odd = page.locator("input[name=preheader]")
    expect(odd).to_be_visible()
    expect(odd).to_have_value("{% if stories %}x{% endif %}")
    advanced = page.get_by_role("button", name="Advanced").nth(1)
    expect(advanced).to_have_attribute("aria-pressed", "true")
    advanced.click()
    expect(odd).to_be_visible()
    odd.fill("{{newsletter.name}}!")
    advanced.click()
    expect(odd).to_be_hidden()
    expect(page.get_by_role("textbox", name="Preview text")).to_have_text("Newsletter name!")
    first = page.get_by_role("button", name="Advanced").first
    first.click()
    subject(page).fill("{{ broken")
    expect(page.locator(".template-example").first).to_have_text(
        "The Subject template cannot be rendered (line 1)."
    )


@in_browser
def test_pasting_into_a_line_stays_a_line(page: Page) -> None:
    """Line ends become spaces, and known Jinja becomes chips."""
    subject(page).click()
    page.keyboard.press("Control+a")
    subject(page).evaluate(PASTE, {"text/plain": "a\nb {{ issue.date }}", "text/html": "<b>x</b>"})
    assert sent(page) == "a b {{ issue.date }}"
    expect(subject(page).locator(".chip")).to_have_text("Date")
