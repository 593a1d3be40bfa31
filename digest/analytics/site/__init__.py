"""Page views as the analytics of a publication's site count them.

base         what an adapter takes and returns, and what they share
plausible, matomo, umami, ga4, feed
             one adapter for each; `KINDS` lists them
connections  connect, change, disconnect; the secret is sealed
collecting   fetch what is due, every hour
"""
