"""For programs: a REST API described by OpenAPI."""
