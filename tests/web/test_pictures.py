"""The files of pictures as mail programs fetch them."""

import pytest
from django.test import Client

from digest.pictures import library
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size
from tests.cast import NOON
from tests.pictures.samples import encoded, opened, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def path() -> str:
    """The path of a picture in its largest size."""
    picture = library.add(1, encoded(photo()), None, NOON)
    return rendition_of(picture, Size.LEAD).url.removeprefix("https://digest.example")


def test_a_picture_is_cached_for_ever(client: Client, path: str) -> None:
    """Its name stands for its contents, and its type is what it is."""
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert opened(answer.content).size == (1200, 800)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")


def test_who_has_it_gets_no_bytes(client: Client, path: str) -> None:
    """By its ETag."""
    etag = client.get(path)["ETag"]
    answer = client.get(path, headers={"If-None-Match": f'W/"x", {etag}'})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0" * 32 + "-lead.jpg",
        "0" * 32 + "-lead.html",
        "0" * 32 + "-lead.jpg\n",
        "..%2f..%2fmasters%2fab%2fx.jpg",
        "../masters/ab/x.jpg",
        "shown/ab/x.jpg",
    ],
)
def test_there_is_no_list_and_nothing_else(client: Client, path: str, name: str) -> None:
    """Neither the folder, nor masters, nor files of another kind."""
    assert client.get(f"/pictures/{name}").status_code == 404
    assert client.post(path).status_code == 405
