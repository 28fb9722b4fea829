"""Users for tests."""

from __future__ import annotations

import factory

from targets.service.models import User


class UserFactory(factory.Factory):
    """Builds a user that no session knows."""

    class Meta:
        """What is built."""

        model = User

    email = factory.Sequence(lambda number: f"user{number}@example.org")
    name = factory.Faker("name")
