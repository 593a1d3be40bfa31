"""Migrating many new tables quickly: a new model is loaded alone.

Django keeps the models as they are between two operations of a migration. When one is added it
loads all those again that are related to it, step by step, because they may refer to it. In Digest
nearly all models are related, so an empty database took seconds of loading the same models. Nothing
refers to a model that is new, and loading it adds what leads back to it: docs/decisions/0060.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.migrations.state import ModelState, ProjectState

_django_add_model = ProjectState.add_model


@contextmanager
def new_models_alone() -> Iterator[None]:
    """Let migrations load a new model without those that are related to it."""
    ProjectState.add_model = _add_model  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        ProjectState.add_model = _django_add_model  # type: ignore[method-assign]


def _add_model(state: ProjectState, model_state: ModelState) -> None:
    """Add a model as Django does, and load it, where models are loaded."""
    key = model_state.app_label, model_state.name_lower
    is_new = key not in state.models
    loaded = state.__dict__.pop("apps", None)  # Django's method loads nothing without it
    _django_add_model(state, model_state)
    if loaded is None:
        return
    state.__dict__["apps"] = loaded
    if is_new:
        loaded.render_multiple([model_state])
    else:
        state.reload_model(*key)
