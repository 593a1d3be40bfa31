"""The addresses of an embedded installation, for tests of its pages."""

from django.urls import include, path

from digest.embedded.urls import mailbox_patterns, sample_patterns

urlpatterns = [path("", include("digest.web.urls")), *mailbox_patterns, *sample_patterns]
