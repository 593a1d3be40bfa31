"""From an edition to ready bytes: environment, edition, inlining, mime, compiled. No tables."""
