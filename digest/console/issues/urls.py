"""The addresses of the issue editor."""

from django.urls import path

from digest.console import lists
from digest.console.issues import new, previews, views

app_name = "issue"
urlpatterns = [
    path("", lists.issues, name="list"),
    path("new/<int:newsletter>/", new.new, name="new"),
    path("<int:pk>/", views.issue, name="detail"),
    path("<int:pk>/progress/", views.progress, name="progress"),
    path("<int:pk>/recipients/", views.recipients, name="recipients"),
    path("<int:pk>/preflight/", views.run_checks, name="preflight"),
    path("<int:pk>/preview/<slug:kind>/", previews.preview, name="preview"),
    path("<int:pk>/<slug:verb>/", views.act, name="action"),
]
