"""The desk's addresses."""

from django.urls import path

from digest.console.issues import begin, previews, views

app_name = "desk"
urlpatterns = [
    path("start/<int:newsletter>/", begin.begin, name="start"),
    path("<int:pk>/desk/", views.issue, name="issue"),
    path("<int:pk>/desk/progress/", views.how_far, name="progress"),
    path("<int:pk>/desk/subscribers/", views.subscribers, name="subscribers"),
    path("<int:pk>/desk/check/", views.check, name="check"),
    path("<int:pk>/desk/<slug:verb>/", views.act, name="act"),
    path("<int:pk>/preview/<slug:kind>/", previews.preview, name="preview"),
]
