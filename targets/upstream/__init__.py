"""The service behind the reference service: slow, full, failing or hanging as it is told, with an exact ledger."""
