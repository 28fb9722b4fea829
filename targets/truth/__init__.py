"""Servers of known truth: what they burn, stall or drop is known, so the instrument can be checked."""
