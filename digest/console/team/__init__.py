"""People of the newsroom: signing in, inviting, roles, and what they did."""
