"""Addresses of the public pages."""

from django.urls import path
from django.urls.resolvers import URLPattern

from digest.web.views import (
    archive,
    confirming,
    following,
    health,
    leaving,
    preferences,
    signing_up,
)

urlpatterns: list[URLPattern] = [
    path("", archive.home, name="home"),
    path("archive/<slug:newsletter>", archive.archive, name="archive"),
    path("archive/<slug:newsletter>/feed.xml", archive.feed, name="archive-feed"),
    path("archive/<slug:newsletter>/colours.css", archive.colours, name="archive-colours"),
    path("archive/<slug:newsletter>/<slug:key>", archive.issue, name="issue"),
    path("subscribe/<slug:newsletter>", signing_up.subscribe, name="subscribe"),
    path("embed/<slug:newsletter>/signup", signing_up.frame, name="embed-signup"),
    path("embed/<slug:newsletter>/signup.js", signing_up.script, name="embed-signup-script"),
    path("confirm/<str:token>", confirming.confirm, name="confirm"),
    path("change/<str:token>", confirming.change, name="change"),
    path("preferences/<str:token>", preferences.page, name="preferences"),
    path("unsubscribe/<str:token>", leaving.unsubscribe, name="unsubscribe"),
    path("r/<str:token>", following.follow, name="follow"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
