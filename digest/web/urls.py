"""URLs of the public pages."""

from django.urls import path

from digest.core.links import Page
from digest.web.views import (
    archive,
    catalogue,
    clicks,
    confirming,
    connections,
    designed_forms,
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
    path(Page.ARCHIVE, archive.archive, name="archive"),
    path("archive/<slug:slug>/feed.xml", archive.feed, name="archive-feed"),
    path("archive/<slug:slug>/<slug:key>", archive.issue, name="issue"),
    path(Page.LINKED_ISSUE, archive.linked_issue, name="linked-issue"),
    path("colours/<slug:slug>.css", archive.colours, name="colours"),
    path(Page.SUBSCRIBE, signing_up.subscribe, name="subscribe"),
    path(Page.EMBEDDED_SIGN_UP, signing_up.frame, name="embed-signup"),
    path(f"{Page.EMBEDDED_SIGN_UP}.js", signing_up.script, name="embed-signup-script"),
    path(Page.EMBED_SCRIPT, embedding.script, name="embed-script"),
    path("embed/<slug:slug>/<slug:kind>", embedding.frame, name="embed"),
    path(Page.SIGN_UP_FORM, designed_forms.page, name="signup-form"),
    path(Page.SIGN_UP_FORM_SCRIPT, designed_forms.script, name="signup-form-script"),
    path(Page.CATALOGUE, catalogue.catalogue, name="catalogue"),
    path(Page.CONFIRM, confirming.confirm, name="confirm"),
    path(Page.CHANGE, confirming.change, name="change"),
    path(Page.PREFERENCES, preferences.page, name="preferences"),
    path(Page.UNSUBSCRIBE, unsubscribing.unsubscribe, name="unsubscribe"),
    path(Page.PICTURE, pictures.picture, name="picture-file"),
    path(Page.CLICK, clicks.click, name="click"),
    path(f"{Page.CLICK}/<str:clicker>", clicks.click, name="click-of-subscriber"),
    path(f"{Page.OPEN}.gif", clicks.opened, name="open"),
    path(f"{Page.OPEN}/<str:clicker>.gif", clicks.opened, name="open-of-subscriber"),
    path(Page.REPORT, reporting.sponsor, name="report"),
    path(Page.STAY, staying.stay, name="stay"),
    path(Page.CONNECTION, connections.receive, name="connection-calls"),
    path("provider-events/<str:token>", provider_events.events, name="provider-events"),
]
