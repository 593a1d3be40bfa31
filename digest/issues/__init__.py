"""One issue of a newsletter for one slot: selecting its stories and freezing them."""
