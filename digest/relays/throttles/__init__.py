"""Limits that all workers on all machines share, through Valkey.

    buckets       how many messages may go, and when the next one may
    connections   how many connections may be open
    refusals      whether a domain has begun to refuse our mail

Each call is one script on the server, by the server's clock: all workers see the same time, and
nothing happens between reading and writing. Nothing sleeps here: callers
learn how long to wait.
"""
