"""Pure ASGI frames, one class per file."""
