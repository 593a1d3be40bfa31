"""Systems in which articles are written, such as Ghost, Wagtail and WordPress."""
