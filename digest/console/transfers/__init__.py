"""Come from another service: its export or its API, what is in it, the import, its report."""
