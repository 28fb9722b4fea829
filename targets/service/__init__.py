"""The reference service: a FastAPI application whose practices are switches."""
