"""What subscribers do themselves, and the notices it causes.

Sign-up and confirmation, preferences, address change, unsubscribing, data export and erasure.
"""
