"""Addresses of the public pages."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
