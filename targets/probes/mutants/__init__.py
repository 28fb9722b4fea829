"""Seeded faults in the service's data code, and two suites of tests of one intent: with mocks, and on PostgreSQL."""
