"""The lists of networks that are in use: those that ship, and those that an operator loaded.

A loaded list replaces the shipped list of its name. Each process indexes them once and looks
whether they have changed whenever hits are judged.
"""

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Count, Max

from digest.analytics.models import LoadedNetworks
from digest.analytics.verdicts.network_files import NetworkFile, NetworkFileError
from digest.analytics.verdicts.networks import NetworkClass, NetworkList, Networks

SHIPPED = Path(__file__).parent / "data" / "networks.toml"

_indexes: dict[tuple[Any, ...], Networks] = {}


def current() -> Networks:
    """Return the index of all lists; built again after a list was loaded or removed."""
    version = LoadedNetworks.objects.aggregate(Count("pk"), Max("loaded_at"), Max("pk"))
    key = tuple(version.values())
    if key not in _indexes:
        _indexes.clear()
        _indexes[key] = Networks(all_lists())
    return _indexes[key]


def all_lists() -> list[NetworkList]:
    """Return every list in use, by name."""
    lists = {row.name: row for row in shipped()}
    for row in LoadedNetworks.objects.all():
        network_class = NetworkClass(row.network_class)
        lists[row.name] = NetworkList(row.name, network_class, row.networks.split())
    return [lists[name] for name in sorted(lists)]


def load(
    file: NetworkFile,
    *,
    source: str,
    now: datetime,
    name: str = "",
    network_class: NetworkClass | None = None,
) -> LoadedNetworks:
    """Save a file's networks as the list `name`, instead of one that it had before.

    Name and class may be left out where the file's format says them; NetworkFileError otherwise.
    """
    name = name or file.name
    network_class = network_class or _class_of(name) or file.network_class
    if not name or network_class is None:
        raise NetworkFileError("Say with --name and --class what these networks are.")
    values = {
        "network_class": network_class,
        "source": source[:200],
        "published": file.published[:60],
        "networks": "\n".join(file.networks),
        "loaded_at": now,
    }
    return LoadedNetworks.objects.update_or_create(name=name[:60], defaults=values)[0]


def remove(name: str) -> None:
    """Delete a loaded list, so that the shipped one of this name is used again, if there is one."""
    if not LoadedNetworks.objects.filter(name=name).delete()[0]:
        raise NetworkFileError(f"No list called {name!r} was loaded.")


@cache
def shipped() -> list[NetworkList]:
    """Return the lists that ship."""
    return [
        NetworkList(row["name"], _by_label(row["class"]), row["networks"])
        for row in _shipped_rows()
    ]


def origins() -> dict[str, tuple[str, str]]:
    """Return the source and the date of each list in use, by name."""
    shipped_origins = {row["name"]: (row["source"], str(row["date"])) for row in _shipped_rows()}
    loaded = {
        row.name: (row.source, row.published or f"loaded {row.loaded_at:%Y-%m-%d}")
        for row in LoadedNetworks.objects.defer("networks")
    }
    return shipped_origins | loaded


def _shipped_rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(SHIPPED.read_text())["list"]
    return rows


def _by_label(label: str) -> NetworkClass:
    return next(row for row in NetworkClass if row.label == label)


def _class_of(name: str) -> NetworkClass | None:
    return next((row.network_class for row in shipped() if row.name == name), None)
