"""The forms of the console: what is set up once. Whatever goes out is on the desk."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import URLField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from digest.articles.models import Article, Source
from digest.console.access import may, note, reach
from digest.console.appeals import AppealForm
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.members import Right, within
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.sending.progress import progress
from digest.tenancy import belonging

admin.site.unregister(Group)
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
FEW = 10_000  # rows that are counted


class Estimated(Paginator):  # type: ignore[type-arg]  # Django has no arguments for it
    """Counts few rows, and of many believes what PostgreSQL thinks there are."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or about how many."""
        rows: Any = self.object_list
        few = int(rows[: FEW + 1].count())
        if few <= FEW:
            return few
        with connection.cursor() as cursor:
            cursor.execute(_ABOUT, [rows.model._meta.db_table])  # noqa: SLF001  Django's own name
            return max(FEW, int(cursor.fetchone()[0]))


_ABOUT = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"


class Plain(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """What all forms share: they show and change what belongs to somebody's publications."""

    right = Right.EDIT  # to change it
    field = ""  # that leads to the publication
    paginator = Estimated
    show_full_result_count = False
    list_per_page = 50
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return what belongs to the publications where they may look."""
        rows = super().get_queryset(request)
        return rows.filter(within(reach(request, Right.SEE), self.field)) if self.field else rows

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether it is shown at all."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Say whether they may look."""
        return request.user.is_active and reach(request, Right.SEE) != frozenset()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether they may make one."""
        return request.user.is_active and reach(request, self.right) != frozenset()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether they may change this one."""
        if obj is None:
            return self.has_add_permission(request)
        return may(request, self.right, self.publication_of(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether they may delete this one."""
        return self.has_change_permission(request, obj)

    def publication_of(self, obj: Any) -> int | None:
        """Return the id of the publication that something belongs to."""
        found: int | None = getattr(obj, "publication_id", None)
        return found

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **named: Any) -> Any:
        """Offer the publications where they may change things."""
        if db_field.name == "publication":
            named["queryset"] = belonging.publications(reach(request, self.right))
        return super().formfield_for_foreignkey(db_field, request, **named)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **named: Any) -> Any:
        """Take an address without a scheme for https."""
        if isinstance(db_field, URLField):
            named["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **named)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note it for everybody to read."""
        note(request, f"added the {_kind(obj)}", obj, self.publication_of(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note it for everybody to read."""
        note(request, f"changed the {_kind(obj)}", obj, self.publication_of(obj))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note it for everybody to read."""
        for obj in queryset:
            note(request, f"deleted the {_kind(obj)}", obj, self.publication_of(obj))
        return super().log_deletions(request, queryset)


def _kind(obj: Any) -> str:
    return str(obj._meta.verbose_name)  # noqa: SLF001  Django's own name


class Kept(Plain):
    """What is never deleted here: all that went out hangs on it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class ReadOnly(Kept):
    """What is looked at, and changed elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  Django's
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class Leading(ChangeList):  # type: ignore[misc]
    """A list whose rows lead to pages of our own."""

    def url_for_result(self, result: Any) -> str:
        """Return the address of a row's page."""
        return reverse(self.model_admin.page, args=[result.pk])


class Elsewhere(Kept):
    """What has a page of its own: its rows lead there, and so do the addresses of admin's forms."""

    page, adding = "", ""  # their names

    def get_changelist(self, request: HttpRequest, **_named: Any) -> type[ChangeList]:  # noqa: ARG002
        """Let rows lead there."""
        return Leading

    def add_view(self, request: HttpRequest, *_args: Any, **_named: Any) -> HttpResponse:
        """Lead to where one is made, whoever may."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect(self.adding)

    def change_view(
        self, _request: HttpRequest, object_id: str, *_args: Any, **_named: Any
    ) -> HttpResponse:
        """Lead to its page, which asks who it is."""
        if not (object_id.isascii() and object_id.isdecimal()):
            raise Http404
        return redirect(self.page, object_id)


@admin.register(Newsletter)
class NewsletterAdmin(Elsewhere):
    """Newsletters (console.newsletters)."""

    field, page, adding = "publication", "newsletter", "newsletter-add"
    list_display = ("name", "publication", "active", "approval", "listed")
    search_fields = ("name", "slug")


@admin.register(Publication)
class PublicationAdmin(Elsewhere):
    """Publications (console.publications)."""

    right, field, page, adding = Right.MANAGE, "pk", "publication", "setup:begin"
    list_display = ("name", "url", "sender_email", "timezone")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether they own every publication, those to come too."""
        return may(request, Right.MANAGE, None)

    def publication_of(self, obj: Publication) -> int | None:
        """Return its own id."""
        return obj.pk


@admin.register(Appeal)
class AppealAdmin(Plain):
    """Appeals."""

    field, form = "publication", AppealForm
    list_display = ("heading", "publication", "starts", "ends")
    list_filter = (("publication", admin.RelatedOnlyFieldListFilter),)
    readonly_fields = ("looks",)

    def get_fields(self, request: HttpRequest, obj: Appeal | None = None) -> list[str]:  # noqa: ARG002
        """Show how it looks once it is there."""
        return [*AppealForm.Meta.fields, *(["looks"] if obj else [])]

    @admin.display(description="In the mail")
    def looks(self, appeal: Appeal) -> SafeString:
        """Show it as mail programs do, as it was saved."""
        frame = '<iframe class="appeal-preview" title="In the mail" sandbox src="{}"></iframe>'
        return format_html(frame, reverse("appeal-preview", args=[appeal.pk]) + "?scheme=light")

    @admin.display(description="from", ordering="starts_at")
    def starts(self, appeal: Appeal) -> str:
        """Say since when it may be in an issue, with the zone."""
        return clock.format_moment(appeal.starts_at)

    @admin.display(description="until", ordering="ends_at")
    def ends(self, appeal: Appeal) -> str:
        """Say until when, with the zone."""
        return clock.format_moment(appeal.ends_at) if appeal.ends_at else "no end"


@admin.register(Source)
class SourceAdmin(ReadOnly, Elsewhere):
    """Sources, and how they are doing (console.sources)."""

    page = "source"
    list_display = ("title", "url", "kind", "failures", "problem")
    search_fields = ("title", "url")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the sources of theirs."""
        return super().get_queryset(request) & belonging.sources(reach(request, Right.SEE))


@admin.register(Article)
class ArticleAdmin(ReadOnly, Elsewhere):
    """Articles as they came in (console.articles)."""

    page = "article"
    list_display = ("title", "section", "available")
    search_fields = ("title",)
    ordering = ("-available_at",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the articles of theirs."""
        return super().get_queryset(request) & belonging.articles(reach(request, Right.SEE))

    @admin.display(description="available", ordering="available_at")
    def available(self, article: Article) -> str:
        """Say since when it may be picked, with the zone."""
        return clock.format_moment(article.available_at)


@admin.register(Issue)
class IssueAdmin(ReadOnly, Elsewhere):
    """Issues (console.desk)."""

    field, page = "newsletter__publication", "desk:issue"
    list_display = ("headline", "newsletter", "goes_out", "state", "got_it")
    list_filter = ("state", ("newsletter", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("newsletter__publication",)
    ordering = ("-slot",)

    @admin.display(description="subject", ordering="subject")
    def headline(self, issue: Issue) -> str:
        """Name it by its subject."""
        return issue.subject or f"Issue {issue.pk}"

    @admin.display(description="goes out", ordering="slot")
    def goes_out(self, issue: Issue) -> str:
        """Say when, in the publication's zone."""
        return clock.format_moment(issue.goes_at, clock.zone(issue.newsletter.publication.timezone))

    @admin.display(description="sent")
    def got_it(self, issue: Issue) -> str:
        """Say how many got it."""
        counts = progress(issue)
        return f"{counts.sent:,} of {counts.eligible:,}" if counts.eligible else ""
