"""PostgreSQL: where it is, how it is reached, and what of its errors clients are told."""
