"""The services behind the service: PostgreSQL and Valkey, embedded or the user's own."""
