"""Whether pictures can be stored."""

from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django.fixtures import Settings

from digest.core import env
from digest.core.findings import Level
from digest.doctor.setup import check_pictures
from digest.pictures import storage
from tests.cast import NOON


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_storage_that_fails_is_found(
    settings: Settings, tmp_path: Path, *, is_folder: bool
) -> None:
    """Here a file stands where the folder should be."""
    place = tmp_path / "pictures"
    if not is_folder:
        place.write_text("")
    entry = env.pictures_storage(place)
    settings.STORAGES = {**settings.STORAGES, storage.ALIAS: entry}
    storages._storages.clear()  # type: ignore[attr-defined]
    (finding,) = check_pictures(NOON)
    assert finding.level == (Level.OK if is_folder else Level.FAIL)
