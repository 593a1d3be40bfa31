"""The floors hold for foreign keys too, which import-linter cannot see."""

import tomllib

from django.apps import apps
from django.conf import settings


def floors() -> dict[str, int]:
    """Return each package's height, read from import-linter's own contract."""
    config = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    return {
        name.strip(" ()").removeprefix("digest."): height
        for height, layer in enumerate(reversed(layers))
        for name in layer.split("|")
    }


def test_foreign_keys_point_to_the_same_package_or_a_lower_floor() -> None:
    """A model refers only to its own package and to floors below."""
    heights = floors()
    models = [m for m in apps.get_models(include_auto_created=True) if m._meta.app_label in heights]
    upward = [
        f"{model.__name__}.{field.name} > {related.__name__}"
        for model in models
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created
        if isinstance(related := field.related_model, type)
        if model._meta.app_label != related._meta.app_label
        if heights.get(related._meta.app_label, -1) >= heights[model._meta.app_label]
    ]
    assert models
    assert upward == []
