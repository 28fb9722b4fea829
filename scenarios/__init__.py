"""Locust files, and `support`, which any Locust user could take along."""
