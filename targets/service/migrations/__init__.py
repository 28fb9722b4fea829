"""The schema's history; ``python -m targets.service.migrations upgrade|downgrade|current`` on DATABASE_URL."""
