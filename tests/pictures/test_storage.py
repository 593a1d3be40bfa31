"""Where files go: a folder, and a store that speaks S3, which is a real server here."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from digest.core import env
from digest.pictures import storage
from digest.pictures.errors import PicturesUnavailableError
from tests.ports import reserve_port

NAME = "shown/ab/abc-lead.jpg"


def use(settings: Settings, entry: dict[str, object]) -> None:
    """Let pictures be stored there."""
    settings.STORAGES = {**settings.STORAGES, storage.ALIAS: entry}
    storages._storages.clear()  # type: ignore[attr-defined]


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A folder for pictures."""
    use(settings, env.pictures_storage(tmp_path))
    return tmp_path


@pytest.fixture
def bucket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a local server; returns the server's address."""
    server = ThreadedMotoServer("127.0.0.1", port=reserve_port(), verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    access = {"ACCESS_KEY": "key", "SECRET_KEY": "secret", "REGION": "eu-central-1"}
    for name, value in ({"BUCKET": "courier", "ENDPOINT": address} | access).items():
        monkeypatch.setenv(f"DIGEST_PICTURES_{name}", value)
    client = boto3.client(
        "s3", "eu-central-1", endpoint_url=address, aws_access_key_id="k", aws_secret_access_key="s"
    )
    place = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket="courier", CreateBucketConfiguration=place)
    use(settings, env.pictures_storage(Path(os.devnull)))
    yield address
    httpx.post(f"{address}/moto-api/reset")
    server.stop()


def test_a_file_is_written_once(folder: Path) -> None:
    """It is never changed, so a reader sees it whole."""
    storage.save(NAME, b"picture")
    written = (folder / NAME).stat().st_mtime_ns
    storage.save(NAME, b"picture")
    assert (folder / NAME).stat().st_mtime_ns == written
    assert storage.load(NAME) == b"picture"
    assert [path.name for path in folder.rglob("*.*")] == ["abc-lead.jpg"]


def test_half_a_file_is_written_again(folder: Path) -> None:
    """A process was killed while it wrote."""
    (folder / NAME).parent.mkdir(parents=True)
    (folder / NAME).write_bytes(b"pic")
    storage.save(NAME, b"picture")
    assert storage.load(NAME) == b"picture"


def test_a_bucket_is_a_storage_too(bucket: str) -> None:
    """With the headers that let browsers and CDNs keep the file."""
    storage.save(NAME, b"picture")
    storage.save(NAME, b"picture")
    assert storage.load(NAME) == b"picture"
    client = boto3.client(
        "s3", "eu-central-1", endpoint_url=bucket, aws_access_key_id="k", aws_secret_access_key="s"
    )
    head = client.head_object(Bucket="courier", Key=NAME)
    assert head["ContentType"] == "image/jpeg"
    assert "immutable" in head["CacheControl"]
    with pytest.raises(FileNotFoundError):
        storage.load("shown/ab/nothing.jpg")


def test_a_bucket_that_is_not_there_is_an_error_for_people(
    bucket: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """No exception of the store's library gets out."""
    monkeypatch.setenv("DIGEST_PICTURES_BUCKET", "nobodys")
    use(settings, env.pictures_storage(Path(os.devnull)))
    with pytest.raises(PicturesUnavailableError, match="storage of pictures failed"):
        storage.save(NAME, b"picture")


def test_addresses_may_be_a_cdns(settings: Settings) -> None:
    """Then mails never ask this installation for pictures."""
    assert storage.public_url("abc.jpg") == "https://digest.example/pictures/abc.jpg"
    settings.DIGEST_PICTURES_URL = "https://cdn.courier.example"
    assert storage.public_url("abc.jpg") == "https://cdn.courier.example/shown/ab/abc.jpg"
