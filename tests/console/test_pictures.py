"""The picture library: uploads by forms and scripts, the picker, the focal point."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import Page, expect

from digest.accounts.models import AuditEntry
from digest.newsletters.models import Publication
from digest.pictures.models import Picture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size
from tests.browser import chromium_page, in_browser
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_member, make_newsletter, make_publication
from tests.cast.pictures import make_picture
from tests.documents import document, image
from tests.pictures.samples import encoded, photo, quarters

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


@pytest.fixture
def publication() -> Publication:
    """The Courier."""
    return make_publication()


@pytest.fixture
def editor(client: Client, publication: Publication) -> Client:
    """An editor of the Courier, signed in."""
    client.force_login(make_member(publication, "editor", email="ada@courier.example"))
    return client


def send(client: Client, publication: Publication, body: bytes, **options: Any) -> Any:
    """Upload a file as a script does."""
    file = SimpleUploadedFile("harbour.jpg", body, "image/jpeg")
    values = {"publication": publication.pk, "file": file}
    return client.post("/admin/pictures/upload/", values, headers=JSON, **options)


def test_a_script_uploads_a_picture(editor: Client, publication: Publication) -> None:
    """It gets what the editor needs, and the audit log has the upload."""
    answer = send(editor, publication, encoded(photo()))
    picture = Picture.objects.get()
    values = answer.json()
    assert values["uuid"] == str(picture.uuid)
    assert values["url"] == rendition_of(picture, Size.WIDE).url
    assert (values["width"], values["height"], values["problem"]) == (1200, 900, "")
    assert picture.uploaded_by.email == "ada@courier.example"  # type: ignore[union-attr]
    assert AuditEntry.objects.get().action == "uploaded the picture"
    assert send(editor, publication, encoded(photo())).json()["uuid"] == values["uuid"]


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing"), (b"x" * 900, "not a picture")],
)
def test_a_script_is_told_why_not(
    editor: Client, publication: Publication, body: bytes, message: str
) -> None:
    """With a status that is not a success."""
    answer = send(editor, publication, body)
    assert answer.status_code == 422
    assert message in answer.json()["problem"]
    assert not Picture.objects.exists()


def test_no_file_is_said(editor: Client, publication: Publication) -> None:
    """Rather than a fault."""
    values = {"publication": publication.pk}
    answer = editor.post("/admin/pictures/upload/", values, headers=JSON)
    assert (answer.status_code, "no file" in answer.json()["problem"]) == (422, True)


def test_a_form_uploads_several(editor: Client, publication: Publication) -> None:
    """Without scripts; a bad file does not stop the others."""
    bodies = {
        "a.png": encoded(photo(), "PNG"),
        "b.jpg": b"<html>",
        "c.gif": encoded(quarters(), "GIF"),
    }
    files = [SimpleUploadedFile(name, body) for name, body in bodies.items()]
    values = {"publication": publication.pk, "file": files}
    page = editor.post("/admin/pictures/upload/", values, follow=True)
    assert Picture.objects.count() == 2
    assert b"b.jpg: This is a web page" in page.content


def test_ones_publications_alone(editor: Client, publication: Publication) -> None:
    """Nothing is put into another, nothing of another is listed or found."""
    other = make_publication()
    foreign = make_picture(other, alt="Secret plans")
    assert send(editor, other, encoded(photo())).status_code == 404
    for address in (
        f"/admin/pictures/?publication={other.pk}",
        f"/admin/pictures/find/?publication={other.pk}",
        "/admin/pictures/find/?publication=x",
        f"/admin/pictures/{foreign.pk}/",
    ):
        assert editor.get(address).status_code == 404, address
    assert editor.post(f"/admin/pictures/{foreign.pk}/change/", {"alt": "x"}).status_code == 404
    assert b"Secret" not in editor.get("/admin/pictures/").content
    assert list(Picture.objects.values_list("alt", flat=True)) == ["Secret plans"]


def test_the_library_is_searched_and_paged(
    editor: Client, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page, for the picker as for the page."""
    monkeypatch.setattr("digest.console.pictures.views.PAGE_SIZE", 2)
    for alt in ("One gull", "Two gulls", "Three gulls", "A ship"):
        make_picture(publication, alt=alt)
    address = f"/admin/pictures/find/?publication={publication.pk}&q=gull"
    first = editor.get(address).json()
    assert [row["alt"] for row in first["pictures"]] == ["Three gulls", "Two gulls"]
    assert not first["last"]
    second = editor.get(f"{address}&page=2").json()
    assert [row["alt"] for row in second["pictures"]] == ["One gull"]
    assert second["last"]
    page = editor.get("/admin/pictures/?q=gull").content.decode()
    assert "Older pictures" in page
    assert "A ship" not in page


def test_texts_and_focus_are_saved(editor: Client, publication: Publication) -> None:
    """Each alone or together; what is not given stays."""
    send(editor, publication, encoded(photo()))
    picture = Picture.objects.get()
    address = f"/admin/pictures/{picture.pk}/change/"
    assert editor.post(address, {"alt": "Ships"}, headers=JSON).json()["alt"] == "Ships"
    editor.post(address, {"focal_x": "0", "focal_y": "25", "credit": "Ada"})
    picture.refresh_from_db()
    assert (picture.alt, picture.credit) == ("Ships", "Ada")
    assert (picture.focal_x, picture.focal_y) == (0, 0.25)
    refused = editor.post(address, {"focal_x": "-1e9", "focal_y": "nan"}, headers=JSON)
    assert refused.status_code == 422


def test_an_unused_picture_is_deleted(editor: Client, publication: Publication) -> None:
    """And mails that were sent still show it."""
    send(editor, publication, encoded(photo()))
    picture = Picture.objects.get()
    path = rendition_of(picture, Size.LEAD).url.removeprefix("https://digest.example")
    editor.post(f"/admin/pictures/{picture.pk}/delete/")
    assert not Picture.objects.exists()
    assert editor.get(path).status_code == 200


def test_a_used_picture_stays(editor: Client, publication: Publication) -> None:
    """Its page names what uses it: a story, blocks, rich text, a layout, an appeal, a sponsor."""
    newsletter = make_newsletter(publication=publication)
    issue = make_issue(newsletter, state="draft")
    pictures = [make_picture(publication) for _ in range(6)]
    by_story, by_block, by_text, by_layout, by_appeal, by_sponsor = pictures
    make_story(issue, picture=by_story)
    make_block(issue, "image", content={"picture": str(by_block.uuid)})
    text = document(image(str(by_text.uuid), "The quay"))
    make_block(issue, "text", content={"document": text})
    newsletter.layout.create(kind="note", position=90, content={"picture": str(by_layout.uuid)})
    make_appeal(publication, heading="Stay afloat", picture=by_appeal.uuid)
    sponsor = {"kind": "sponsor", "heading": "Kiel Ropes", "picture_dark": by_sponsor.uuid}
    make_appeal(publication, **sponsor)
    names = [str(issue)] * 3 + [f"the layout of {newsletter}"]
    names += ["the appeal “Stay afloat”", "the sponsor “Kiel Ropes”"]
    for picture, name in zip(pictures, names, strict=True):
        html = editor.get(f"/admin/pictures/{picture.pk}/").content.decode()
        assert f"<li>{name[0].upper()}{name[1:]}</li>" in html
        assert f"/admin/pictures/{picture.pk}/delete/" not in html
        page = editor.post(f"/admin/pictures/{picture.pk}/delete/", follow=True)
        assert f"The picture is used: {name}. Remove it there." in page.content.decode()
    assert Picture.objects.count() == 6


def test_uploads_are_bounded(editor: Client, publication: Publication) -> None:
    """26 MB for an upload, which no other page takes."""
    body = b"x" * 25_500_000
    answer = send(editor, publication, body)
    assert answer.status_code == 422
    assert "25 MB" in answer.json()["problem"]
    assert send(editor, publication, b"x" * 26_500_000).status_code == 413


@in_browser
@pytest.mark.django_db(transaction=True)
def test_a_picture_is_uploaded_and_its_focus_set(
    live_url: str,
    editor: Client,
    publication: Publication,
    tmp_path: Path,
) -> None:
    """In a browser: a file is chosen, the focus clicked and moved by keyboard, the crops follow."""
    (tmp_path / "harbour.png").write_bytes(encoded(quarters(1200, 600), "PNG"))
    with chromium_page(viewport={"width": 1280, "height": 1000}) as page:
        _sign_in(page, live_url, editor)
        page.goto(f"{live_url}/admin/pictures/")
        page.get_by_label("Add pictures").set_input_files(tmp_path / "harbour.png")
        page.get_by_role("link", name="No alt text").click()
        page.get_by_label("Alt text").fill("Four colours")
        _click_share(page, 0.9, 0.2)
        expect(page.get_by_label("From the left (%)")).to_have_value("90")
        page.get_by_label("From the left (%)").press("ArrowRight")
        square = page.locator(".crop-square")
        assert square.evaluate("node => node.style.objectPosition") == "100% 50%"
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#content h1", has_text="Four colours")).to_be_visible()
    picture = Picture.objects.get()
    assert (picture.alt, picture.focal_x, picture.focal_y) == ("Four colours", 0.91, 0.2)


@in_browser
@pytest.mark.django_db(transaction=True)
def test_the_picker_gives_a_picture(
    live_url: str, editor: Client, publication: Publication
) -> None:
    """Chosen from the library, or pasted; null without a choice."""
    send(editor, publication, encoded(photo()))
    with chromium_page() as page:
        _sign_in(page, live_url, editor)
        page.goto(f"{live_url}/admin/pictures/")
        _open_picker(page, publication)
        page.keyboard.press("Escape")
        page.wait_for_function("window.picked === null")
        _open_picker(page, publication)
        dialog = page.get_by_role("dialog", name="Choose a picture")
        dialog.get_by_role("button", name="No alt text").press("Enter")
        dialog.get_by_label("Alt text").fill("Red and green")
        dialog.get_by_role("button", name="Use picture").click()
        picture = Picture.objects.get()
        page.wait_for_function("window.picked !== undefined")
        picked = page.evaluate("window.picked")
        assert (picked["uuid"], picked["alt"]) == (str(picture.uuid), "Red and green")
        _open_picker(page, publication)
        _paste(page, "pasted.png")
        expect(dialog.get_by_text("pasted.png was added.")).to_be_visible()
        dialog.get_by_role("button", name="Use picture").click()
        page.wait_for_function("window.picked?.width === 400")
    assert Picture.objects.count() == 2


def _sign_in(page: Page, url: str, client: Client) -> None:
    """Give the browser the session of the client."""
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": url}])


def _click_share(page: Page, x: float, y: float) -> None:
    """Click the picture at a share of its width and height."""
    box = page.locator(".focal img").bounding_box()
    assert box
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def _open_picker(page: Page, publication: Publication) -> None:
    page.evaluate(
        "publication => { window.picked = undefined; window.pickPicture({publication})"
        ".then((picture) => { window.picked = picture; }); }",
        publication.pk,
    )


def _paste(page: Page, name: str) -> None:
    """Paste a picture that the browser draws."""
    page.evaluate(
        """async name => {
          const canvas = Object.assign(document.createElement("canvas"), {width: 400, height: 300});
          canvas.getContext("2d").fillRect(0, 0, 200, 300);
          const blob = await new Promise((resolve) => canvas.toBlob(resolve));
          const data = new DataTransfer();
          data.items.add(new File([blob], name, {type: "image/png"}));
          document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
        }""",
        name,
    )
