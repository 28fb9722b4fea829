"""Micro-measurements that run in a process of their own and print JSON lines."""
