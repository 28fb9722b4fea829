"""Repositories over SQLAlchemy's sessions and mapped classes."""
