"""What a program may be allowed to do: one word for each right, the table of them all."""

from enum import StrEnum


class Scope(StrEnum):
    """A right that a token can have."""

    NEWSLETTERS_READ = "newsletters:read"
    NEWSLETTERS_WRITE = "newsletters:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    ARTICLES_READ = "articles:read"
    ARTICLES_WRITE = "articles:write"
    ISSUES_READ = "issues:read"
    ISSUES_WRITE = "issues:write"  # build, pause, cancel: whatever lets no mail leave
    ISSUES_APPROVE = "issues:approve"
    ISSUES_SEND = "issues:send"  # whatever makes mail leave
    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    SUBSCRIBERS_EXPORT = "subscribers:export"
    SUBSCRIBERS_ERASE = "subscribers:erase"
    SUPPRESSION_READ = "suppression:read"
    SUPPRESSION_WRITE = "suppression:write"
