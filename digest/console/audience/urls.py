"""The addresses of subscribers, of changes to many, of attributes and segments."""

from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from digest.console import subscribers
from digest.console.audience import (
    attributes,
    changes,
    listing,
    profile_changes,
    segments,
    suppressing,
)
from digest.console.importing import invitations
from digest.console.importing import views as importing
from digest.console.transfers import views as transfers

Patterns = list[URLPattern | URLResolver]

_IMPORT = [
    path("", importing.upload, name="subscribers-import"),
    path("<int:pk>/", importing.check, name="subscribers-import-check"),
    path("service/", transfers.start, name="transfers"),
    path("service/<int:pk>/", transfers.transfer, name="transfer"),
    path("service/<int:pk>/progress/", transfers.progress, name="transfer-progress"),
    path("service/<int:pk>/skipped/", transfers.skipped, name="transfer-skipped"),
    path("service/<int:pk>/remove-issues/", transfers.remove_issues, name="transfer-remove-issues"),
]
_SUBSCRIBER = [
    path("profile/<int:publication>/", profile_changes.save, name="subscriber-profile"),
    path("", subscribers.subscriber, name="subscriber"),
    path("unsubscribe/", subscribers.unsubscribe, name="subscriber-unsubscribe"),
    path("resend/<int:issue_id>/", subscribers.resend, name="subscriber-resend"),
    path("export/", subscribers.export, name="subscriber-export"),
    path("erase/", subscribers.erase, name="subscriber-erase"),
    path("suppress/", suppressing.suppress, name="subscriber-suppress"),
]
_SUBSCRIBERS: Patterns = [
    path("", listing.search, name="subscribers"),
    path("select/", changes.select, name="subscribers-select"),
    path("export/", listing.export, name="subscribers-export"),
    path("import/", include(_IMPORT)),
    path("invite/", invitations.invite, name="subscribers-invite"),
    path("<int:pk>/", include(_SUBSCRIBER)),
]
_SUBSCRIBER_CHANGES = [
    path("", changes.changes, name="subscriber-changes"),
    path("<int:pk>/", changes.change, name="subscriber-change"),
    path("<int:pk>/begin/", changes.act, {"verb": "begin"}, name="subscriber-change-begin"),
    path("<int:pk>/progress/", changes.progress, name="subscriber-change-progress"),
    path("<int:pk>/stop/", changes.act, {"verb": "stop"}, name="subscriber-change-stop"),
    path("<int:pk>/undo/", changes.act, {"verb": "undo"}, name="subscriber-change-undo"),
    path("<int:pk>/discard/", changes.discard, name="subscriber-change-discard"),
    path("<int:pk>/export/", changes.export, name="subscriber-change-export"),
]
_ATTRIBUTES = [
    path("", attributes.attributes_page, name="attributes"),
    path("<int:pk>/", attributes.attribute, name="attribute"),
    path("<int:pk>/delete/", attributes.delete, name="attribute-delete"),
]
_SEGMENTS = [
    path("", segments.segments, name="segments"),
    path("<int:pk>/", segments.segment, name="segment"),
    path("<int:pk>/delete/", segments.delete, name="segment-delete"),
]
urlpatterns = [
    path("subscribers/", include(_SUBSCRIBERS)),
    path("subscriber-changes/", include(_SUBSCRIBER_CHANGES)),
    path("attributes/", include(_ATTRIBUTES)),
    path("segments/", include(_SEGMENTS)),
]
