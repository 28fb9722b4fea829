"""Calls to the service behind this one."""
