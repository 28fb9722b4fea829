"""Caching: levels (L1 in the process, L2 in Valkey), what guards them, and what is counted of them."""
