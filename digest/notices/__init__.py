"""Transactional mail to one person: queued, written and sent."""
