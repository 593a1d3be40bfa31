"""Django's admin, for superusers who look at rows; editors use the console's own pages."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db.models import URLField
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from digest.articles.models import Article, Source
from digest.core.database.statements import fetch_row
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Newsletter, Publication

admin.site.unregister(Group)
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
FEW = 10_000  # rows that are counted


class EstimatedPaginator(Paginator):  # type: ignore[type-arg]  # Django has no arguments for it
    """Counts up to `FEW` rows, and takes PostgreSQL's estimate beyond."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or about how many."""
        rows: Any = self.object_list
        counted = int(rows[: FEW + 1].count())
        if counted <= FEW:
            return counted
        (estimate,) = fetch_row(_ESTIMATE, [rows.model._meta.db_table])  # noqa: SLF001  Django's own name
        return max(FEW, int(estimate))


_ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Shows rows as they are stored, to superusers only, and changes nothing."""

    paginator = EstimatedPaginator
    show_full_result_count = False
    list_per_page = 50

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if isinstance(db_field, URLField):
            options["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **options)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return bool(request.user.is_active and request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


admin.site.register([Appeal, Article, Issue, Newsletter, Publication, Source], ReadOnlyAdmin)
