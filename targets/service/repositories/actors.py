"""Who writes rows."""

from __future__ import annotations

SERVICE = "service"
"""The service itself: without a log-in nobody else is known."""
