"""Addresses that only an embedded installation answers."""

from django.urls import path

from digest.embedded.mailbox import views as mailbox
from digest.embedded.mailbox import writing
from digest.embedded.sample import views as sample

mailbox_patterns = [
    path("mailbox/", mailbox.listing, name="mailbox"),
    path("mailbox/write", writing.write, name="mailbox-write"),
    path("mailbox/<str:key>", mailbox.mail, name="mail"),
    path("mailbox/<str:key>/frame", mailbox.frame, name="mail-frame"),
    path("mailbox/<str:key>/download", mailbox.download, name="mail-download"),
    path("mailbox/<str:key>/<str:view>", mailbox.mail, name="mail-view"),
]
sample_patterns = [
    path("sample/", sample.home, name="sample-home"),
    path("sample/feed.xml", sample.feed_xml, name="sample-feed"),
    path("sample/feed.json", sample.feed_json, name="sample-json-feed"),
    path("sample/newsletter", sample.sign_up, name="sample-newsletter"),
    path("sample/support", sample.support, name="sample-support"),
    path("sample/images/<str:name>", sample.picture, name="sample-picture"),
    path("sample/<slug:slug>", sample.article, name="sample-article"),
]
