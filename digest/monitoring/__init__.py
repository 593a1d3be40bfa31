"""What operators are told of this installation: figures for Prometheus, and alerts."""
