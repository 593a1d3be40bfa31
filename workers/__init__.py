"""Celery: the app, beat's schedule, and tasks that are each one call into digest."""
