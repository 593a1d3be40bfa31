"""Systems that articles come from."""
