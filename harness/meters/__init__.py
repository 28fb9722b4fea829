"""Meters: CPU time, memory and pauses, read while a block runs."""
