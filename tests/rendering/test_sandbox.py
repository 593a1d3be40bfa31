"""What editors write can do no harm, and says what is wrong with it."""

import re
import sys
import time

import pytest

from digest.rendering.editor_templates import sandbox
from digest.rendering.errors import EditorTemplateError

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
VALUES = {"stories": [{"title": "Seals"}, {"title": "Ferry"}]}


def render(source: str) -> str:
    """The subject that a template makes."""
    return sandbox.render({"subject": source}, VALUES)["subject"]


def test_plain_values_are_rendered() -> None:
    """Loops, filters and conditions work."""
    assert render(
        "{% for s in stories %}{{ s.title | upper }}{% if not loop.last %}, {% endif %}{% endfor %}"
    ) == ("SEALS, FERRY")


def test_text_without_templates_starts_no_process() -> None:
    """Plain text comes back as it is, braces that are none of Jinja's too."""
    assert sandbox.render({"a": "Good morning", "b": "50 % {off}"}, {}) == {
        "a": "Good morning",
        "b": "50 % {off}",
    }


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no program be started."""
    monkeypatch.setattr(sys, "executable", "/nowhere")


NAMING_VALUES = [
    "{{ stories[0].title }}",
    "{{stories[1].title}} and {{ newsletter }}, 50 %",
    "{{ count }} of {{ share }}: {{ is_new }}",
    "{{ newsletter[0] }}",
]
NEEDING_JINJA = [
    "{{ stories }}",
    "{{ stories[7].title }}",
    "{{ stories.count }}{{ newsletter.upper }}",
    "{{ odd.items }}",
    "{{ odd.pop }}",
    "{{ none }}{{ true }}{{ range }}",
    "{{ nothing }}",
    "{{ newsletter }}\r\n{{ newsletter }}\n",
    "{{ newsletter }}{# x #}",
    "{{ '{{ newsletter }}' }}",
    "{% raw %}{{ newsletter }}{% endraw %}",
    "{{ newsletter | upper }}",
    "{{ newsletter }",
]
NAMED = VALUES | {
    "newsletter": "{{ Tide }}",
    "count": 3,
    "share": 0.5,
    "odd": {"items": "x", "pop": "y"},
}


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize("source", [source for source in NAMING_VALUES if "is_new" not in source])
def test_values_that_are_only_named_start_no_process(source: str) -> None:
    """As most newsletters name them; a value is never read as a template."""
    assert "{{ stories" not in sandbox.render({"subject": source}, NAMED)["subject"]


@pytest.mark.parametrize("source", [*NAMING_VALUES, *NEEDING_JINJA])
def test_both_ways_give_the_same(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put in here is what Jinja would have put in, errors included."""

    def outcome() -> str:
        try:
            return sandbox.render({"subject": source}, NAMED | {"is_new": True})["subject"]
        except EditorTemplateError as problem:
            return str(problem)

    quick = re.sub("0x[0-9a-f]+", "", outcome())
    monkeypatch.setattr(sandbox, "_NAME", re.compile("(?!)()"))
    assert quick == re.sub("0x[0-9a-f]+", "", outcome())


def test_what_is_missing_is_blank() -> None:
    """A story that is not there is nothing, not an error at seven in the morning."""
    assert render("[{{ stories[7].title }}]") == "[]"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 300000000 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ '%999999999d' % 3 }}",
        "{{ '{:>999999999}'.format(3) }}",
        "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x * 2 %}{% endfor %}",
        ENDLESS,
        "{% for a in range(99999) %}{{ 'aaaaaaaa' }}{% endfor %}",
        "{{ 99 ** (99 ** 99) }}",
        "{{ range(10 ** 10) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{# " + "a" * 20_000 + " #}",
    ],
)
def test_time_and_memory_are_bounded(source: str) -> None:
    """What would eat time or memory ends in a clear error, within a second or so."""
    start = time.monotonic()
    with pytest.raises(EditorTemplateError, match="The subject template"):
        render(source)
    assert time.monotonic() - start < 10  # one second of processor time, on however busy a machine


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ stories.__class__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ stories['__class__'] }}",
        "{{ stories | attr('__class__') }}",
    ],
)
def test_insides_are_out_of_reach(source: str) -> None:
    """Underscored attributes are as if they were not there."""
    assert render(source) == ""


@pytest.mark.parametrize(
    "source", ["{{ stories.append(1) }}", "{{ stories[0].update(title='x') }}"]
)
def test_values_cannot_be_changed(source: str) -> None:
    """The values are read only."""
    with pytest.raises(EditorTemplateError, match="unsafe"):
        render(source)


@pytest.mark.parametrize("source", ["{% include '/etc/passwd' %}", "{% import 'os' as os %}"])
def test_files_cannot_be_read(source: str) -> None:
    """Nothing can be included."""
    with pytest.raises(EditorTemplateError, match="cannot be rendered"):
        render(source)


def test_the_guilty_template_is_named() -> None:
    """Of several templates the error names the one that went too far."""
    with pytest.raises(EditorTemplateError, match="The preheader template takes too much time"):
        sandbox.render(
            {
                "subject": "{{ stories[0].title }}",
                "preheader": ENDLESS,
                "other": "{{ 1 }}",
            },
            VALUES,
        )
