"""The console's addresses, below `/admin/` and before those of Django's admin."""

from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from digest.console import (
    articles,
    home,
    lists,
    schedules,
    search,
    sources,
    subscribers,
    system,
)
from digest.console.appeals import listing as appeal_list
from digest.console.appeals import previews as appeal_previews
from digest.console.appeals import views as appeals
from digest.console.audience import segments
from digest.console.deliverability import checks as deliverability_checks
from digest.console.deliverability import dmarc as deliverability_dmarc
from digest.console.deliverability import inactive
from digest.console.deliverability import results as deliverability
from digest.console.deliverability import services as deliverability_services
from digest.console.issues import calendar as issue_calendar
from digest.console.issues import new as new_issue
from digest.console.issues import previews
from digest.console.issues import views as issues
from digest.console.memberships import views as memberships
from digest.console.newsletters import examples as newsletter_examples
from digest.console.newsletters import layout as newsletter_layout
from digest.console.newsletters import views as newsletters
from digest.console.pictures import actions as picture_actions
from digest.console.pictures import views as pictures
from digest.console.programs import api_tokens, connections, webhooks
from digest.console.publications import design, site_analytics
from digest.console.publications import views as publications
from digest.console.relays import actions as relay_actions
from digest.console.relays import hold, mailboxes, warm_up
from digest.console.relays import views as relays
from digest.console.series import steps as series_steps
from digest.console.series import views as series
from digest.console.setup import contents as setup_contents
from digest.console.setup import senders as setup_senders
from digest.console.setup import trying as setup_trying
from digest.console.setup import views as setup
from digest.console.signup_forms import previews as signup_form_previews
from digest.console.signup_forms import views as signup_forms
from digest.console.statistics import issues as statistics_issues
from digest.console.statistics import sponsors as statistics_sponsors
from digest.console.statistics import views as statistics
from digest.console.team import notifications
from digest.console.team import views as team

Patterns = list[URLPattern | URLResolver]

_SETUP = [
    path("", setup.start, name="start"),
    path("account/", setup.account, name="account"),
    path("publication/", setup.begin, name="begin"),
    path("publication/preview/", design.first_draft, name="design"),
    path("<int:pk>/publication/", setup.publication, name="publication"),
    path("<int:pk>/sender/", setup_senders.sender, name="sender"),
    path("<int:pk>/sender/checked/", setup_senders.checked, name="checked"),
    path("<int:pk>/sender/domain/", setup_senders.domain, name="domain"),
    path("<int:pk>/source/", setup_contents.source, name="source"),
    path("<int:pk>/newsletter/", setup_contents.newsletter, name="newsletter"),
    path("<int:pk>/test/", setup_trying.test, name="test"),
    path("<int:pk>/test/widen/", setup_trying.widen, name="widen"),
    path("<int:pk>/test/preview/", setup_trying.preview, name="preview"),
    path("<int:pk>/done/", setup_trying.done, name="done"),
]
_ISSUES = [
    path("", lists.issues, name="list"),
    path("new/<int:newsletter>/", new_issue.new, name="new"),
    path("<int:pk>/", issues.issue, name="detail"),
    path("<int:pk>/progress/", issues.progress, name="progress"),
    path("<int:pk>/recipients/", issues.recipients, name="recipients"),
    path("<int:pk>/preflight/", issues.run_checks, name="preflight"),
    path("<int:pk>/preview/<slug:kind>/", previews.preview, name="preview"),
    path("<int:pk>/editor/", issues.parts, name="editor"),
    path("<int:pk>/presence/", issues.heartbeat, name="presence"),
    path("<int:pk>/search/", issues.search, name="search"),
    path("<int:pk>/results/", statistics_issues.results, name="results"),
    path("<int:pk>/statistics/", statistics_issues.statistics, name="statistics"),
    path("<int:pk>/statistics/map/html/", statistics_issues.mail_map_page, name="map"),
    path("<int:pk>/<slug:verb>/", issues.act, name="action"),
]
_PICTURES = [
    path("", pictures.pictures, name="pictures"),
    path("find/", pictures.find, name="pictures-find"),
    path("upload/", picture_actions.upload, name="pictures-upload"),
    path("<int:pk>/", pictures.picture, name="picture"),
    path("<int:pk>/change/", picture_actions.change, name="picture-change"),
    path("<int:pk>/delete/", picture_actions.delete, name="picture-delete"),
]
_MAILBOXES = [
    path("", mailboxes.mailboxes, name="mailboxes"),
    path("<int:pk>/poll/", mailboxes.poll, name="mailbox-poll"),
    path("<int:pk>/enable/", mailboxes.switch, {"active": True}, name="mailbox-enable"),
    path("<int:pk>/disable/", mailboxes.switch, {"active": False}, name="mailbox-disable"),
    path("<int:pk>/remove/", mailboxes.remove, name="mailbox-remove"),
]
_SERIES = [
    path("", series.listing, name="series-list"),
    path("<int:pk>/", series.series, name="series"),
    path("<int:pk>/switch/", series.switch, name="series-switch"),
    path("<int:pk>/steps/", series.add_step, name="series-add-step"),
    path("<int:pk>/order/", series.order, name="series-order"),
    path("<int:pk>/delete/", series.delete, name="series-delete"),
    path("<int:pk>/subscribers/", series.subscribers, name="series-subscribers"),
    path("<int:pk>/take-out/", series.remove, name="series-take-out"),
    path("steps/<int:pk>/", series_steps.step, name="series-step"),
    path("steps/<int:pk>/publish/", series_steps.publish, name="series-step-publish"),
    path("steps/<int:pk>/remove/", series_steps.remove, name="series-step-remove"),
]
_TEAM = [
    path("", team.team, name="team"),
    path("invite/", team.invite, name="team-invite"),
    path("<int:pk>/change/", team.change, name="team-change"),
    path("<int:pk>/remove/", team.remove, name="team-remove"),
    path("invitations/<int:pk>/revoke/", team.revoke, name="team-revoke"),
]
_FORMS = [
    path("", signup_forms.signup_forms, name="signup-forms"),
    path("<int:pk>/", signup_forms.design, name="signup-form-design"),
    path("<int:pk>/delete/", signup_forms.delete, name="signup-form-delete"),
]
_NEWSLETTER = [
    path("", newsletters.newsletter, name="newsletter"),
    path("state/", newsletters.change_state, name="newsletter-state"),
    path("layout/<int:block>/", newsletter_layout.layout_block, name="newsletter-layout"),
    path("link/", newsletter_layout.fetch_link, name="newsletter-link"),
    path("example/", newsletter_examples.example, name="newsletter-example"),
    path("design/preview/", design.of_newsletter, name="newsletter-design"),
    path("<slug:card>/", newsletters.save, name="newsletter-save"),
]
_SOURCE = [
    path("", sources.source, name="source"),
    path("poll/", sources.poll, name="source-poll"),
    path("switch-on/", sources.switch_on, name="source-switch-on"),
]
_API_TOKENS = [
    path("", api_tokens.api_tokens, name="api-tokens"),
    path("create/", api_tokens.create, name="api-tokens-create"),
    path("<int:pk>/revoke/", api_tokens.revoke, name="api-tokens-revoke"),
]
_WEBHOOKS = [
    path("", webhooks.webhooks, name="webhooks"),
    path("add/", webhooks.add, name="webhook-add"),
    path("<int:pk>/test/", webhooks.test, name="webhook-test"),
    path("<int:pk>/enable/", webhooks.enable, name="webhook-enable"),
    path("<int:pk>/remove/", webhooks.remove, name="webhook-remove"),
]
_MEMBERSHIPS = [
    path("", memberships.memberships, name="memberships"),
    path("connect/", memberships.connect, name="membership-connect"),
    path("<int:pk>/secret/", memberships.save_secret, name="membership-secret"),
    path("<int:pk>/tiers/", memberships.save_tiers, name="membership-tiers"),
    path("<int:pk>/disconnect/", memberships.disconnect, name="membership-disconnect"),
]

_CONNECTIONS = [
    path("", connections.connections, name="connections"),
    path("add/", connections.add, name="connection-add"),
    path("files/<slug:kind>/", connections.download, name="connection-file"),
    path("<int:pk>/fetch/", connections.fetch, name="connection-fetch"),
    path("<int:pk>/remove/", connections.remove, name="connection-remove"),
]
_SITE_ANALYTICS = [
    path("", site_analytics.page, name="site-analytics"),
    path("test/", site_analytics.test, name="site-analytics-test"),
    path("remove/", site_analytics.remove, name="site-analytics-remove"),
    path("<slug:kind>/", site_analytics.save, name="site-analytics-save"),
]
_PUBLICATION: Patterns = [
    path("forms/new/", signup_forms.new, name="signup-form-add"),
    path("forms/preview/", signup_form_previews.draft, name="signup-form-preview"),
    path("segments/new/", segments.new, name="segment-add"),
    path("segments/preview/", segments.preview, name="segment-preview"),
    path("", publications.publication, name="publication"),
    path("design/preview/", design.draft, name="publication-design"),
    path("site-analytics/", include(_SITE_ANALYTICS)),
    path("<slug:card>/", publications.save, name="publication-save"),
]
_APPEAL = [
    path("", appeals.appeal, name="appeal"),
    path("delete/", appeals.delete, name="appeal-delete"),
    path("restore/", appeals.restore, name="appeal-restore"),
    path("duplicate/", appeals.duplicate, name="appeal-duplicate"),
    path("issues/<int:issue_id>/leave-out/", appeals.leave_out, name="appeal-leave-out"),
    path("preview/", appeal_previews.preview, name="appeal-preview"),
]
_APPEALS: Patterns = [
    path("", appeal_list.appeals, name="appeals"),
    path("preview/", appeal_previews.draft, name="appeal-draft"),
    path("new/", appeals.new, name="appeal-add"),
    path("<int:pk>/", include(_APPEAL)),
]
_SERVICES = [
    path("", deliverability_services.services, name="deliverability-services"),
    path(
        "<slug:kind>/connect/",
        deliverability_services.connect,
        name="deliverability-service-connect",
    ),
    path("<slug:kind>/test/", deliverability_services.test, name="deliverability-service-test"),
    path(
        "<slug:kind>/remove/", deliverability_services.remove, name="deliverability-service-remove"
    ),
]
_DELIVERABILITY: Patterns = [
    path("", deliverability.overview, name="deliverability"),
    path("inactive/", inactive.inactive, name="deliverability-inactive"),
    path("inactive/<int:pk>/save/", inactive.save, name="deliverability-inactive-save"),
    path("dmarc/", deliverability_dmarc.dmarc, name="deliverability-dmarc"),
    path("services/", include(_SERVICES)),
    path("checks/", deliverability_checks.checks, name="deliverability-checks"),
    path("at/<str:name>/", deliverability.destination, name="deliverability-destination"),
]
_SPONSOR = [
    path("", statistics_sponsors.sponsor, name="statistics-appeal"),
    path("links/", statistics_sponsors.create, name="report-link-create"),
    path("links/<int:link>/revoke/", statistics_sponsors.revoke, name="report-link-revoke"),
]
_STATISTICS: Patterns = [
    path("", statistics.overview, name="statistics"),
    path("publication/<int:publication>/", statistics.overview, name="statistics-publication"),
    path("newsletter/<int:pk>/", statistics.newsletter, name="statistics-newsletter"),
    path("appeal/<int:pk>/", include(_SPONSOR)),
]
_RELAY = [
    path("change/", relays.change, name="relay-change"),
    path("warm-up/", warm_up.plan, name="relay-warm-up"),
    path("check/", relay_actions.check, name="relay-check"),
    path("pause/", relay_actions.switch, {"active": False}, name="relay-pause"),
    path("resume/", relay_actions.switch, {"active": True}, name="relay-resume"),
    path("remove/", relay_actions.remove, name="relay-remove"),
]
_RELAYS: Patterns = [
    path("", relays.relays, name="relays"),
    path("add/", relays.add, name="relay-add"),
    path("<int:pk>/", include(_RELAY)),
    path("domains/<int:pk>/lift/", relay_actions.lift, name="relay-lift"),
    path("mailboxes/", include(_MAILBOXES)),
]
urlpatterns = [
    path("pictures/", include(_PICTURES)),
    path("series/", include(_SERIES)),
    path("", home.home, name="home"),
    path("calendar/", issue_calendar.calendar, name="calendar"),
    path("calendar/move/", issue_calendar.move, name="calendar-move"),
    path("search/", search.search, name="search"),  # also where unfold's palette asks
    path("home/sending/", home.sending, name="home-sending"),
    path("home/<slug:verb>/", home.act, name="home-action"),
    path("system/", system.system, name="system"),
    path("system/checks/", system.checks, name="system-checks"),
    path("hold/", hold.hold, name="hold"),
    path("hold/release/", hold.release, name="hold-release"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("team/", include(_TEAM)),
    path("invitation/<str:token>/", team.accept, name="invitation"),
    path("audit/", team.log, name="audit"),
    # Django's own pages would sign in without the second factor.
    path("login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    # An account keeps the address that was invited.
    path("account/email/", RedirectView.as_view(pattern_name="mfa_index")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("account/", include("allauth.account.urls")),
    path("newsletters/", lists.newsletters, name="newsletters"),
    path("newsletter/add/", newsletters.add, name="newsletter-add"),
    path("newsletter/<int:pk>/", include(_NEWSLETTER)),
    path("articles/", lists.articles, name="articles"),
    path("article/<int:pk>/", articles.article, name="article"),
    path("article/<int:pk>/send/", articles.send, name="article-send"),
    path("article/<int:pk>/<slug:verb>/", articles.act, name="article-act"),
    path("sources/", lists.sources, name="sources"),
    path("source/<int:pk>/", include(_SOURCE)),
    path("schedules/", schedules.schedules, name="schedules"),
    path("api-tokens/", include(_API_TOKENS)),
    path("webhooks/", include(_WEBHOOKS)),
    path("connections/", include(_CONNECTIONS)),
    path("memberships/", include(_MEMBERSHIPS)),
    path("", include("digest.console.audience.urls")),
    path("issues/<int:pk>/deliveries/", subscribers.deliveries, name="deliveries"),
    path("issues/<int:pk>/uncertain/", subscribers.resolve, name="uncertain"),
    path("forms/", include(_FORMS)),
    path("publication/<int:publication>/", include(_PUBLICATION)),
    path("appeals/", include(_APPEALS)),
    path("publications/", lists.publications, name="publications"),
    path("deliverability/", include(_DELIVERABILITY)),
    path("statistics/", include(_STATISTICS)),
    path("relays/", include(_RELAYS)),
    path("setup/", include((_SETUP, "setup"))),
    path("issues/", include((_ISSUES, "issue"))),
]
