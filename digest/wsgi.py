"""The web process, for gunicorn: `digest web`.

All pages are loaded before gunicorn makes its processes, which share them. Templates call deep:
frames have room in one piece.
"""

import os
from importlib import import_module

from digest.frames import with_room
from digest.loading import modules_that_stay

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
with modules_that_stay():
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    application = with_room(get_wsgi_application())
    import_module(settings.ROOT_URLCONF)  # Django would do so at the first request
