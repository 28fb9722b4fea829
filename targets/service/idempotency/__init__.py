"""Idempotency keys: what a repeated request is told, and where that is remembered."""
