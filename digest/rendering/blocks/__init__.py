"""The blocks of an issue as their templates show them."""
