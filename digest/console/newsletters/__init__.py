"""The page of a newsletter: its schedule, story selection, texts, approval and sources."""
