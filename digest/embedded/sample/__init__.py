"""The Saltmarsh Courier: a small newspaper that comes with Digest, to try everything on.

`stories/`, `images/` and `publication.toml` are its content; the modules read it, show it as a
news site with feeds, and set up a publication and a newsletter for it.
"""
