"""URLs of a publication's page, below `/admin/publication/`."""

from django.urls import path

from digest.console.publications import views

urlpatterns = [
    path("<int:publication>/", views.publication, name="publication"),
    path("<int:publication>/<slug:card>/", views.save, name="publication-save"),
]
