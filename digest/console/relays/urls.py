"""The relays' addresses."""

from django.urls import path

from digest.console.relays import acts, views

urlpatterns = [
    path("", views.relays, name="relays"),
    path("add/", views.add, name="relay-add"),
    path("<int:pk>/change/", views.change, name="relay-change"),
    path("<int:pk>/check/", acts.check, name="relay-check"),
    path("<int:pk>/pause/", acts.pause, name="relay-pause"),
    path("<int:pk>/resume/", acts.resume, name="relay-resume"),
    path("<int:pk>/remove/", acts.remove, name="relay-remove"),
    path("domains/<int:pk>/lift/", acts.lift, name="relay-lift"),
]
