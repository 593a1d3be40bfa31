"""What providers show their senders: Google Postmaster Tools and Microsoft SNDS, by adapter.

connecting   a key for each service, sealed
collecting   every six hours: the adapter's readings of the last days, stored by day
"""
