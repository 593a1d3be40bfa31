"""The web process, for gunicorn: `digest web`.

All pages are loaded before gunicorn makes its processes, which share them.
"""

import os
from importlib import import_module

from digest.loading import modules_that_stay

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
with modules_that_stay():
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    import_module(settings.ROOT_URLCONF)  # Django would do so at the first request
