"""Ways to meet the failure of another service: one strategy per file, chosen once."""
