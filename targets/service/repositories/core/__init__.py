"""Repositories over SQLAlchemy's connections and tables, without mapped objects."""
