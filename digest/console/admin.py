"""Django's admin without its forms: the console has pages of its own for all rows.

What stays of it is the frame of pages, and the way to sign out.
"""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group

admin.site.unregister(Group)
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
