"""The floors hold for foreign keys too, which import-linter cannot see; the plan is complete."""

import re
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
        if (here := model._meta.app_label) != (there := related._meta.app_label)
        if heights.get(there, -1) >= heights[here]
    ]
    assert models
    assert upward == []


def test_every_module_stands_in_the_plan() -> None:
    """docs/architecture.md names each module of a floor, so that the plan is the house."""
    root = settings.BASE_DIR
    plan = set(re.findall(r"\w+", (root / "docs" / "architecture.md").read_text()))
    usual = {"__init__", "__main__", "apps", "errors", "models", "urls"}
    modules = [path.relative_to(root) for path in (root / "digest").glob("*/*.py")]
    unnamed = [str(one) for one in modules if one.stem not in plan | usual and one.parts[1] in OPEN]
    assert len(modules) > 100
    assert unnamed == []


# Floors whose modules the plan lists one by one.
OPEN = {"core", "accounts", "articles", "newsletters", "subscribers", "issues", "rendering"}
OPEN |= {"delivery", "inbound", "web", "console", "api"}
