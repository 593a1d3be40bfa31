"""The web process, for gunicorn: `digest web`."""

import os

from digest.loading import modules_that_stay

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
with modules_that_stay():
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
