"""The reference service as a container: any of the servers, the environment of its own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping

from targets.orchestrator.fetching import HOST
from targets.orchestrator.replica import Container

APP = "targets.service.main:create_app"


def service(settings: Mapping[str, str], server: str = "uvicorn", **options: str) -> Container:
    """Give a container of the service; addresses in ``settings`` replace those of this process."""
    command = importlib.import_module(f"targets.servers.{server}").command

    def argv(port: int) -> list[str]:
        given: list[str] = command(python=sys.executable, app=APP, factory=True, host=HOST, port=port, options=options)
        return given

    kept = {name: value for name, value in os.environ.items() if not name.startswith("SERVICE_")}
    return Container(argv, {**kept, **settings})
