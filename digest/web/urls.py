"""Addresses of the public pages."""

from django.urls import path
from django.urls.resolvers import URLPattern

from digest.web import views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("archive/<slug:newsletter>", views.archive, name="archive"),
    path("archive/<slug:newsletter>/feed.xml", views.feed, name="archive-feed"),
    path("archive/<slug:newsletter>/colours.css", views.colours, name="archive-colours"),
    path("archive/<slug:newsletter>/<slug:key>", views.issue, name="issue"),
    path("unsubscribe/<str:token>", views.unsubscribe, name="unsubscribe"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
