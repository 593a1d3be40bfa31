"""The console's addresses, before those of Django's admin."""

from django.urls import include, path

from digest.backoffice import home, readers

urlpatterns = [
    path("", home.home, name="home"),
    path("home/moving/", home.moving, name="home-moving"),
    path("home/<slug:verb>/", home.act, name="home-act"),
    path("readers/", readers.search, name="readers"),
    path("readers/<int:pk>/", readers.reader, name="reader"),
    path("readers/<int:pk>/unsubscribe/", readers.unsubscribe, name="reader-unsubscribe"),
    path("editions/<int:pk>/deliveries/", readers.deliveries, name="deliveries"),
    path("setup/", include("digest.backoffice.setup.urls")),
    path("editions/", include("digest.backoffice.desk.urls")),
]
