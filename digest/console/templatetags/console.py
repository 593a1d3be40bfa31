"""The components of the console as template tags; see `docs/console-components.md`."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.forms import BoundField
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from digest.console import edit_conflicts
from digest.console.statistics.sheets import shown_rows
from digest.console.team.newsletters import reached_names
from digest.core.text import percent

register = template.Library()

UNCERTAIN = (
    "The connection broke before the mail server confirmed the message: it may or may not have "
    "arrived."
)


@register.simple_block_tag()
def card(content: str, title: str = "", id: str = "", css_class: str = "") -> SafeString:  # noqa: A002
    """Return a box with a heading. `id` names the heading's section, for links and readers."""
    context = {"content": content, "title": title, "id": id, "css_class": css_class}
    return render_to_string("console/components/card.html", context)


@register.simple_block_tag(takes_context=True)
def confirm(
    context: Context,
    content: str,
    label: str,
    action: str,
    button: str,
    *,
    css_class: str = "",
    style: str = "danger",
) -> SafeString:
    """Return a button that opens a question, and a form that does it once it is answered.

    `content` holds the question and any inputs; `button` is what the answer says.
    """
    values = {
        "content": content,
        "label": label,
        "action": action,
        "button": button,
        "css_class": css_class,
        "style": style,
        "csrf_token": context.get("csrf_token"),
    }
    return render_to_string("console/components/confirm.html", values)


register.filter("reached_names", reached_names)


@register.filter
def with_code(text: str) -> SafeString:
    """Return a text as HTML: what stands between backticks, such as a command, as code."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return format_html("{}", text)
    tags = (("{}", "<code>{}</code>")[number % 2] for number in range(len(parts)))
    return format_html("".join(tags), *parts)


@register.inclusion_tag("console/components/field.html")
def form_row(
    field: BoundField,
    css_class: str = "",
    *,
    label: str = "",
    optional: bool = False,
    days: bool = False,
) -> dict[str, Any]:
    """Show a field with its label, or another `label`, help and errors.

    `optional` marks a field that may stay empty; `days` draws its choices as the days of a week.
    """
    marked = optional and not field.field.required
    return {
        "field": field,
        "label": label or field.label,
        "css_class": css_class,
        "optional": marked,
        "days": days,
    }


@register.inclusion_tag("console/components/mark.html")
def opened_with(values: Mapping[str, Any]) -> dict[str, str]:
    """Let a form say with which values it was opened (`console.edit_conflicts`)."""
    return {"mark": edit_conflicts.mark_of(values)}


@register.simple_tag
def share(value: float | None) -> str:
    """Return a share from 0 to 1 in percent, or a dash where it is not known."""
    return percent(value, _digits(value or 0))


def _digits(value: float) -> int:
    if value >= 0.1:
        return 0
    return 1 if value >= 0.001 else 2


@register.inclusion_tag("console/components/empty.html")
def empty_state(text: str, label: str = "", url: str = "") -> dict[str, str]:
    """Say that there is nothing yet, and link to what fills it."""
    return {"text": text, "label": label, "url": url}


@register.inclusion_tag("console/components/progress.html")
def progress_bar(progress: dict[str, Any]) -> dict[str, Any]:
    """Draw how far an issue is; `progress` is `live_progress.progress_of`."""
    return {"progress": progress}


@register.inclusion_tag("console/components/chart.html")
def chart(chart: Any) -> dict[str, Any]:
    """Draw a `console.charts.Chart`, with its numbers as a table."""
    return {"chart": chart}


@register.inclusion_tag("console/components/table.html")
def table(table: Any) -> dict[str, Any]:
    """Show a `console.tables.Table`: search, filters, rows, pages."""
    return {"table": table}


@register.inclusion_tag("console/components/sheet.html")
def sheet(sheet: Any, page: str = "", csv: str = "") -> dict[str, Any]:
    """Show a `Sheet` of a report, with its file; `page` is the URL name of the rows' pages.

    `csv` is the address of the page that answers `?csv=`.
    """
    rows = shown_rows(sheet, (lambda key: reverse(page, args=[key])) if page else None)
    more = max(0, len(sheet.rows) - len(rows))
    return {"sheet": sheet, "rows": rows, "more": more, "csv": csv}


@register.inclusion_tag("console/components/figures.html")
def figures(figures: Any) -> dict[str, Any]:
    """Show key figures of `console.statistics.figures`, each with what it means."""
    return {"figures": figures}


@register.simple_tag
def server_reply(
    text: str, code: int | None = None, label: str = "Reply of the mail server"
) -> SafeString:
    """Return what a mail server answered, folded; nothing where it did not."""
    if not text:
        return SafeString("")
    context = {"text": text, "code": code, "label": label}
    return render_to_string("console/components/reply.html", context)


@register.simple_tag
def uncertain() -> SafeString:
    """Return the word "uncertain" with its explanation."""
    return format_html('<abbr title="{}">uncertain</abbr>', UNCERTAIN)


@register.filter(is_safe=True)
def sentence_case(text: str) -> str:
    """Write "Two-Factor Authentication" as "Two-factor authentication"; acronyms stay.

    For django-allauth's pages, whose headings and buttons are in title case.
    """
    first, *rest = text.split() or [""]
    start, *parts = first.split("-")
    first = "-".join([start, *(part.lower() for part in parts)])
    return " ".join([first, *(part.lower() if part.istitle() else part for part in rest)])
