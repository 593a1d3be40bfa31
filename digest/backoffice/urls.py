"""The console's addresses, before those of Django's admin."""

from django.urls import include, path

from digest.backoffice import home

urlpatterns = [
    path("", home.home, name="home"),
    path("home/moving/", home.moving, name="home-moving"),
    path("home/<slug:verb>/", home.act, name="home-act"),
    path("editions/", include("digest.backoffice.desk.urls")),
]
