"""The console's addresses, before those of Django's admin."""

from django.urls import include, path

from digest.backoffice import appeals, articles, home, lists, programs, readers, sources, timetables

urlpatterns = [
    path("", home.home, name="home"),
    path("home/moving/", home.how_far, name="home-moving"),
    path("home/<slug:verb>/", home.act, name="home-act"),
    path("", include("digest.backoffice.people.urls")),
    path("newsletter/", include("digest.backoffice.newsletters.urls")),
    path("article/<int:pk>/", articles.article, name="article"),
    path("article/<int:pk>/<slug:verb>/", articles.act, name="article-act"),
    path("source/<int:pk>/", sources.source, name="source"),
    path("source/<int:pk>/poll/", sources.poll, name="source-poll"),
    path("schedules/", timetables.timetables, name="timetables"),
    path("programs/", programs.programs, name="programs"),
    path("programs/issue/", programs.issue, name="programs-issue"),
    path("programs/<int:pk>/revoke/", programs.revoke, name="programs-revoke"),
    path("readers/", readers.search, name="readers"),
    path("readers/import/", lists.bring, name="readers-import"),
    path("readers/invite/", lists.invite, name="readers-invite"),
    path("readers/<int:pk>/", readers.reader, name="reader"),
    path("readers/<int:pk>/unsubscribe/", readers.unsubscribe, name="reader-unsubscribe"),
    path("readers/<int:pk>/resend/<int:edition>/", readers.resend, name="reader-resend"),
    path("readers/<int:pk>/export/", readers.export, name="reader-export"),
    path("readers/<int:pk>/erase/", readers.erase, name="reader-erase"),
    path("readers/<int:pk>/suppress/", readers.suppress, name="reader-suppress"),
    path("editions/<int:pk>/deliveries/", readers.deliveries, name="deliveries"),
    path("editions/<int:pk>/doubts/", readers.resolve, name="doubts"),
    path("appeals/<int:appeal>/preview/", appeals.preview, name="appeal-preview"),
    path("publication/", include("digest.backoffice.publications.urls")),
    path("relays/", include("digest.backoffice.relays.urls")),
    path("setup/", include("digest.backoffice.setup.urls")),
    path("editions/", include("digest.backoffice.desk.urls")),
]
