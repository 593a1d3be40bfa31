"""The relays: which there are, which may send what, how they are doing, what they let through.

roster     adding and changing them; their addresses hold secrets and are sealed
routes     which relay may carry a sender's mail: by its domain first, then by weight
health     one that is down is left alone for a while
gates      limits: connections, messages a minute and a day, by recipient domain
pausing    a domain that has begun to refuse us is left alone, and the editors are told
"""
