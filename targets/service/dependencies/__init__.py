"""What endpoints are given."""
