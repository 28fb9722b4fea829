"""Texts as they travel to a database."""

from __future__ import annotations

STORABLE = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL in a text."""
