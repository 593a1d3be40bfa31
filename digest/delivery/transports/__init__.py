"""Ways to hand mail over, each behind the protocol in base."""
