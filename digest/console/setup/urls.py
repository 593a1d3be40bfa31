"""The first run's addresses."""

from django.urls import path

from digest.console.setup import contents, senders, trying, views

app_name = "setup"
urlpatterns = [
    path("", views.start, name="start"),
    path("account/", views.account, name="account"),
    path("publication/", views.begin, name="begin"),
    path("<int:pk>/publication/", views.publication, name="publication"),
    path("<int:pk>/sender/", senders.sender, name="sender"),
    path("<int:pk>/sender/checked/", senders.checked, name="checked"),
    path("<int:pk>/sender/domain/", senders.domain, name="domain"),
    path("<int:pk>/source/", contents.source, name="source"),
    path("<int:pk>/newsletter/", contents.newsletter, name="newsletter"),
    path("<int:pk>/test/", trying.test, name="test"),
    path("<int:pk>/test/widen/", trying.widen, name="widen"),
    path("<int:pk>/test/preview/", trying.preview, name="preview"),
    path("<int:pk>/done/", trying.done, name="done"),
]
