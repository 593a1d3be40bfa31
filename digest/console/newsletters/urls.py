"""Addresses of a newsletter's page, below `/admin/newsletter/`."""

from django.urls import path

from digest.console.newsletters import views

urlpatterns = [
    path("add/", views.add, name="newsletter-add"),
    path("<int:pk>/", views.newsletter, name="newsletter"),
    path("<int:pk>/turn/", views.turn, name="newsletter-turn"),
    path("<int:pk>/sections/<int:section>/", views.section, name="newsletter-section"),
    path("<int:pk>/<slug:card>/", views.keep, name="newsletter-keep"),
]
