"""Alerts by mail or webhook, for whoever has no Prometheus.

    conditions  what is wrong at the moment
    watching    which alerts begin and end; each is reported once, and once when it is over
    reporting   by mail, past the workers, and by webhook
    watch       a thread of each web process: workers that are gone cannot report that they are

Nothing is watched while DIGEST_ALERTS is empty.
"""
