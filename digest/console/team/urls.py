"""URLs of the team and of accounts; the account pages are django-allauth's."""

from django.urls import include, path
from django.views.generic import RedirectView

from digest.console.team import views

_TO_TWO_FACTOR = RedirectView.as_view(pattern_name="mfa_index")

urlpatterns = [
    path("team/", views.team, name="team"),
    path("team/invite/", views.invite, name="team-invite"),
    path("team/<int:pk>/change/", views.change, name="team-change"),
    path("team/<int:pk>/remove/", views.remove, name="team-remove"),
    path("team/invitations/<int:pk>/revoke/", views.revoke, name="team-revoke"),
    path("invitation/<str:token>/", views.accept, name="invitation"),
    path("audit/", views.log, name="audit"),
    # Django's own pages would sign in without the second factor.
    path("login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    # An account keeps the address that was invited.
    path("account/email/", _TO_TWO_FACTOR),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("account/", include("allauth.account.urls")),
]
