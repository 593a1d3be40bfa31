"""The REST API, described by OpenAPI."""
