"""From an issue to ready bytes: environment, issue, inlining, mime, compiled. No tables."""
