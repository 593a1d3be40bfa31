"""URLs of the mail servers' pages."""

from django.urls import path

from digest.console.relays import actions, views

urlpatterns = [
    path("", views.relays, name="relays"),
    path("add/", views.add, name="relay-add"),
    path("<int:pk>/change/", views.change, name="relay-change"),
    path("<int:pk>/check/", actions.check, name="relay-check"),
    path("<int:pk>/pause/", actions.switch, {"active": False}, name="relay-pause"),
    path("<int:pk>/resume/", actions.switch, {"active": True}, name="relay-resume"),
    path("<int:pk>/remove/", actions.remove, name="relay-remove"),
    path("domains/<int:pk>/lift/", actions.lift, name="relay-lift"),
]
