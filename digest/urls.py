"""Every address that this installation answers."""

from django.conf import settings
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from digest.core import env

urlpatterns: list[URLPattern | URLResolver] = [path("", include("digest.web.urls"))]

if settings.DIGEST_EMBEDDED:  # `digest up`
    from digest.embedded.urls import mailbox_patterns, sample_patterns

    urlpatterns += mailbox_patterns
    if env.flag("DIGEST_SAMPLE"):
        urlpatterns += sample_patterns
