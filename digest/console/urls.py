"""The console's addresses, before those of Django's admin."""

from django.urls import include, path

from digest.console import (
    api_tokens,
    appeals,
    articles,
    home,
    importing,
    lists,
    schedules,
    sources,
    subscribers,
    webhooks,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("home/sending/", home.sending, name="home-sending"),
    path("home/<slug:verb>/", home.act, name="home-action"),
    path("", include("digest.console.team.urls")),
    path("newsletters/", lists.newsletters, name="newsletters"),
    path("newsletter/", include("digest.console.newsletters.urls")),
    path("articles/", lists.articles, name="articles"),
    path("article/<int:pk>/", articles.article, name="article"),
    path("article/<int:pk>/<slug:verb>/", articles.act, name="article-act"),
    path("sources/", lists.sources, name="sources"),
    path("source/<int:pk>/", sources.source, name="source"),
    path("source/<int:pk>/poll/", sources.poll, name="source-poll"),
    path("schedules/", schedules.schedules, name="schedules"),
    path("api-tokens/", api_tokens.api_tokens, name="api-tokens"),
    path("api-tokens/create/", api_tokens.create, name="api-tokens-create"),
    path("api-tokens/<int:pk>/revoke/", api_tokens.revoke, name="api-tokens-revoke"),
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/add/", webhooks.add, name="webhook-add"),
    path("webhooks/<int:pk>/test/", webhooks.test, name="webhook-test"),
    path("webhooks/<int:pk>/enable/", webhooks.enable, name="webhook-enable"),
    path("webhooks/<int:pk>/remove/", webhooks.remove, name="webhook-remove"),
    path("subscribers/", subscribers.search, name="subscribers"),
    path("subscribers/import/", importing.import_subscribers, name="subscribers-import"),
    path("subscribers/invite/", importing.invite, name="subscribers-invite"),
    path("subscribers/<int:pk>/", subscribers.subscriber, name="subscriber"),
    path(
        "subscribers/<int:pk>/unsubscribe/", subscribers.unsubscribe, name="subscriber-unsubscribe"
    ),
    path(
        "subscribers/<int:pk>/resend/<int:issue_id>/", subscribers.resend, name="subscriber-resend"
    ),
    path("subscribers/<int:pk>/export/", subscribers.export, name="subscriber-export"),
    path("subscribers/<int:pk>/erase/", subscribers.erase, name="subscriber-erase"),
    path("subscribers/<int:pk>/suppress/", subscribers.suppress, name="subscriber-suppress"),
    path("issues/<int:pk>/deliveries/", subscribers.deliveries, name="deliveries"),
    path("issues/<int:pk>/uncertain/", subscribers.resolve, name="uncertain"),
    path("appeals/", lists.appeals, name="appeals"),
    path("appeals/new/", appeals.new, name="appeal-add"),
    path("appeals/<int:pk>/", appeals.appeal, name="appeal"),
    path("appeals/<int:pk>/delete/", appeals.delete, name="appeal-delete"),
    path("appeals/<int:pk>/preview/", appeals.preview, name="appeal-preview"),
    path("publications/", lists.publications, name="publications"),
    path("publication/", include("digest.console.publications.urls")),
    path("relays/", include("digest.console.relays.urls")),
    path("setup/", include("digest.console.setup.urls")),
    path("issues/", include("digest.console.issues.urls")),
]
