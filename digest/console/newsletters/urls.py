"""URLs of a newsletter's page, below `/admin/newsletter/`."""

from django.urls import path

from digest.console.newsletters import views

urlpatterns = [
    path("add/", views.add, name="newsletter-add"),
    path("<int:pk>/", views.newsletter, name="newsletter"),
    path("<int:pk>/activate/", views.activate, name="newsletter-activate"),
    path("<int:pk>/sections/<int:section>/", views.section, name="newsletter-section"),
    path("<int:pk>/<slug:card>/", views.save, name="newsletter-save"),
]
