"""Rows for a database: ``python -m targets.service.seed --rows N --seed S`` on DATABASE_URL."""
