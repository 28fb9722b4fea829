"""Clients with different habits, a greenlet for each request: what fails, and for whom, while servers stop."""
