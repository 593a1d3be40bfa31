"""What the public is told of a newsletter: its state, and how often it comes."""
