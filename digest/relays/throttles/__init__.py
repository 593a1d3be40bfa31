"""Limits that all workers on all machines share, through Valkey.

    buckets    how many messages may go, and when the next one may
    seats      how many connections may be open
    refusals   whether a domain has begun to refuse us

Each call is one script on the server, by the server's clock: no two workers see different times,
and nothing happens between looking and taking. Nobody sleeps here; who has to wait is told so.
"""
