"""The addresses of people: their accounts are django-allauth's, all else is ours."""

from django.urls import include, path
from django.views.generic import RedirectView

from digest.console.team import views

_GONE = RedirectView.as_view(pattern_name="mfa_index")

urlpatterns = [
    path("team/", views.people, name="team"),
    path("team/invite/", views.invite, name="team-invite"),
    path("team/<int:pk>/change/", views.change, name="team-change"),
    path("team/<int:pk>/remove/", views.remove, name="team-remove"),
    path("team/invitations/<int:pk>/revoke/", views.revoke, name="team-revoke"),
    path("invitation/<str:token>/", views.accept, name="invitation"),
    path("audit/", views.log, name="audit"),
    # Django's own pages would sign in without the second factor.
    path("login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    # Addresses are an invitation's, and stay.
    path("account/email/", _GONE),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("account/", include("allauth.account.urls")),
]
