"""Run by Alembic for each command: migrates over the connection that the caller opened, in one transaction."""

from __future__ import annotations

from alembic import context

from targets.service.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
