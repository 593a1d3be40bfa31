"""URLs of the public pages."""

from django.urls import path

from digest.web.views import (
    archive,
    clicks,
    confirming,
    connections,
    embedding,
    pictures,
    preferences,
    provider_events,
    reporting,
    signing_up,
    staying,
    unsubscribing,
)

urlpatterns = [
    path("", archive.home, name="front-page"),
    path("robots.txt", archive.robots, name="robots"),
    path("sitemap.xml", archive.sitemap, name="sitemap"),
    path("archive/<slug:slug>", archive.archive, name="archive"),
    path("archive/<slug:slug>/feed.xml", archive.feed, name="archive-feed"),
    path("archive/<slug:slug>/<slug:key>", archive.issue, name="issue"),
    path("issue/<str:token>", archive.linked_issue, name="linked-issue"),
    path("colours/<slug:slug>.css", archive.colours, name="colours"),
    path("subscribe/<slug:slug>", signing_up.subscribe, name="subscribe"),
    path("embed/<slug:slug>/signup", signing_up.frame, name="embed-signup"),
    path("embed/<slug:slug>/signup.js", signing_up.script, name="embed-signup-script"),
    path("embed/<slug:slug>/<slug:kind>.js", embedding.script, name="embed-script"),
    path("embed/<slug:slug>/<slug:kind>", embedding.frame, name="embed"),
    path("confirm/<str:token>", confirming.confirm, name="confirm"),
    path("change/<str:token>", confirming.change, name="change"),
    path("preferences/<str:token>", preferences.page, name="preferences"),
    path("unsubscribe/<str:token>", unsubscribing.unsubscribe, name="unsubscribe"),
    path("pictures/<str:name>", pictures.picture, name="picture-file"),
    path("click/<str:token>", clicks.click, name="click"),
    path("click/<str:token>/<str:clicker>", clicks.click, name="click-of-subscriber"),
    path("open/<str:token>.gif", clicks.opened, name="open"),
    path("open/<str:token>/<str:clicker>.gif", clicks.opened, name="open-of-subscriber"),
    path("report/<str:token>", reporting.sponsor, name="report"),
    path("stay/<str:token>", staying.stay, name="stay"),
    path("connections/<str:token>", connections.receive, name="connection-calls"),
    path("provider-events/<str:token>", provider_events.events, name="provider-events"),
]
