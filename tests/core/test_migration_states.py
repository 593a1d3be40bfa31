"""A new model is loaded alone while migrating, and is related as Django relates it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from digest.core.database.migration_states import new_models_alone


def model(name: str, **fields: Any) -> ModelState:
    """Return what a migration creates."""
    own = {"id": models.AutoField(primary_key=True), **fields}
    return ModelState("press", name, list(own.items()))


def foreign_key(target: str) -> Any:
    """Return a reference."""
    return models.ForeignKey(target, models.CASCADE)


def create_all(way: AbstractContextManager[None]) -> ProjectState:
    """Add models one after another, as a migration does."""
    state = ProjectState()
    assert state.apps
    with way:
        state.add_model(model("Publication", parent=foreign_key("self")))
        state.add_model(model("Newsletter", publication=foreign_key("press.publication")))
        newsletters = models.ManyToManyField("press.newsletter", related_name="readers")
        state.add_model(model("Reader", newsletters=newsletters))
        state.add_model(model("Issue", newsletter=foreign_key("press.newsletter")))
    return state


def relations_of(state: ProjectState) -> dict[str, set[tuple[str, str]]]:
    """Return what each model refers to and is referred to by; all of them are loaded ones."""
    relations = {}
    for row in state.apps.get_models(include_auto_created=True):
        related = [
            field for field in row._meta.get_fields(include_hidden=True) if field.is_relation
        ]
        for field in related:
            target: Any = field.related_model
            assert target is state.apps.get_model(target._meta.label)
        relations[row._meta.label] = {
            (field.name, field.related_model._meta.label)  # type: ignore[union-attr]
            for field in related
        }
    return relations


def test_models_are_related_as_django_relates_them() -> None:
    """In both directions, to models of the same state."""
    relations = relations_of(create_all(new_models_alone()))
    assert relations == relations_of(create_all(nullcontext()))
    assert ("issue", "press.Issue") in relations["press.Newsletter"]
    assert ("readers", "press.Reader") in relations["press.Newsletter"]


@pytest.mark.parametrize(("way", "is_alone"), [(new_models_alone, True), (nullcontext, False)])
def test_related_models_are_not_loaded_again(way: Any, *, is_alone: bool) -> None:
    """And afterwards Django goes its own way."""
    state = create_all(nullcontext())
    before = state.apps.get_model("press.publication")
    with way():
        state.add_model(model("Appeal", publication=foreign_key("press.publication")))
    assert (state.apps.get_model("press.publication") is before) is is_alone
    state.add_model(model("Team", publication=foreign_key("press.publication")))
    assert state.apps.get_model("press.publication") is not before


def test_a_model_that_is_there_is_loaded_again_with_what_refers_to_it() -> None:
    """A migration that replaces one goes Django's way."""
    state = create_all(nullcontext())
    before = state.apps.get_model("press.issue")
    with new_models_alone():
        state.add_model(model("Newsletter", title=models.TextField()))
    assert state.apps.get_model("press.issue") is not before
    assert state.apps.get_model("press.newsletter")._meta.get_field("title")
