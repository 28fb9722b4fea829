"""Repositories over SQL texts and a driver, without SQLAlchemy."""
