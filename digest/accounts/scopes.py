"""What an API token may be allowed to do."""

from enum import StrEnum


class Scope(StrEnum):
    """A right of an API token."""

    NEWSLETTERS_READ = "newsletters:read"
    NEWSLETTERS_WRITE = "newsletters:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    ARTICLES_READ = "articles:read"
    ARTICLES_WRITE = "articles:write"
    ISSUES_READ = "issues:read"
    ISSUES_WRITE = "issues:write"  # build, pause, cancel: whatever sends no mail
    ISSUES_APPROVE = "issues:approve"
    ISSUES_SEND = "issues:send"  # whatever sends mail
    STATISTICS_READ = "statistics:read"
    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    SUBSCRIBERS_EXPORT = "subscribers:export"
    SUBSCRIBERS_ERASE = "subscribers:erase"
    SUPPRESSION_READ = "suppression:read"
    SUPPRESSION_WRITE = "suppression:write"
