"""The desk's addresses."""

from django.urls import path

from digest.backoffice.desk import begin, previews, views

app_name = "desk"
urlpatterns = [
    path("start/<int:newsletter>/", begin.begin, name="start"),
    path("<int:pk>/desk/", views.edition, name="edition"),
    path("<int:pk>/desk/progress/", views.how_far, name="progress"),
    path("<int:pk>/desk/readers/", views.readers, name="readers"),
    path("<int:pk>/desk/check/", views.check, name="check"),
    path("<int:pk>/desk/<slug:verb>/", views.act, name="act"),
    path("<int:pk>/preview/<slug:kind>/", previews.preview, name="preview"),
]
