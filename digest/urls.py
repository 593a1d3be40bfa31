"""Every address that this installation answers."""

from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from digest.core import env

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("digest.web.urls")),
    path("admin/", include("digest.console.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("digest.api.v1")),
    # Browsers ask for it beside documents that name none: a mail shown as a page, for one.
    path("favicon.ico", RedirectView.as_view(url=static("web/icon.svg"))),
]

if settings.DIGEST_EMBEDDED:  # `digest up`
    from digest.embedded.urls import mailbox_patterns, sample_patterns

    urlpatterns += mailbox_patterns
    if env.flag("DIGEST_SAMPLE"):
        urlpatterns += sample_patterns
