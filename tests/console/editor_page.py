"""A page of the console with editors alone, for their tests in a browser."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import path
from django.utils.safestring import SafeString

from digest.console.pages import frame
from digest.core import rich_text
from digest.urls import urlpatterns as all_pages
from tests.documents import document, image, paragraph, text

PAGE = """
{% extends "console/page.html" %}
{% block page %}
<form method="post">{% csrf_token %}{% card "Note" %}
  {% rich_text "note" document label="Note" placeholder="Write something" publication=publication help="Shown above the stories." %}
  {% rich_text "second" label="Second" %}
  {% template_field name="subject" value=subject label="Subject" example="/admin/editors/example/" %}
  {% template_field name="preheader" value="{% if stories %}x{% endif %}" label="Preview text" kind="preheader" %}
  <button class="button button-primary">Save</button>
{% endcard %}</form>
<pre id="saved">{{ saved }}</pre>
{% endblock %}
"""  # noqa: E501  a page reads best on a line each
SUBJECT = "Today: {{stories[0].title}} and {{ stories | length }} more"


def page(request: HttpRequest) -> HttpResponse:
    """Show the editors; what is sent is shown below them as JSON."""
    start = document(paragraph(text("Hello "), text("bold", {"type": "bold"})))
    note = rich_text.parse(start)
    if request.method == "POST":
        note = rich_text.from_field(request.POST["note"], note)
    if "picture" in request.GET:
        note = rich_text.parse(document(image(request.GET["picture"], "The quay")))
    template = PAGE.replace('"{% if stories %}x{% endif %}"', "odd")
    context = frame(request) | {
        "title": "Editors",
        "document": note,
        "odd": "{% if stories %}x{% endif %}",
        "subject": request.POST.get("subject", SUBJECT),
        "saved": SafeString(rich_text.plain_text(note)) if request.method == "POST" else "",
        "publication": int(request.GET.get("publication", 7)),
    }
    return HttpResponse(Template(template).render(RequestContext(request, context)))


def example(request: HttpRequest) -> JsonResponse:
    """Answer as the console does: the text, or what is wrong with the template."""
    template = request.GET["template"]
    if "broken" in template:
        return JsonResponse({"problem": "The Subject template cannot be rendered (line 1)."})
    return JsonResponse({"text": f"example of {template}"})


urlpatterns = [
    path("admin/editors/", page),
    path("admin/editors/example/", example),
    *all_pages,
]
