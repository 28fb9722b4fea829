"""The application factory: ``targets.service.main:create_app``, served with the server's factory option."""

from __future__ import annotations

import importlib
import os
import sys
from typing import cast

from fastapi import FastAPI
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service import practices
from targets.service.lifespan import build_lifespan
from targets.service.middleware.problem import ProblemMiddleware
from targets.service.problems import add_problem_handlers
from targets.service.routers import internal, items
from targets.service.settings import Core, SettingsError, choices, fingerprint, read_settings

EXIT_BAD_SETTINGS = 3
"""Gunicorn gives up on a worker that ends with 3; with any other status it would start it again for ever."""


def create_app(settings: Core | None = None) -> FastAPI:
    """Build the application; without settings they come from the environment, or the process ends with 3."""
    settings = settings or _settings_or_exit()
    mark, switches = fingerprint(settings), choices(settings)
    emit = practices.emitter(switches, settings.environment)
    serializer = cast("Serializer", importlib.import_module(f"targets.serializers.{settings.serializer}"))
    app = FastAPI(
        title="Reference service",
        version="1.0.0",
        docs_url=None,
        redoc_url=None,
        lifespan=build_lifespan(settings.items, settings.items_seed, practices.resources(switches), emit, mark),
        middleware=[*practices.stack(switches, emit), Middleware(ProblemMiddleware, emit=emit)],
        # Off even where a global OpenTelemetry provider exists: tracing is an arm, never an accident.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_problem_handlers(app)
    brought = practices.routers(switches, serializer)
    for router in (items.build_router(serializer), *brought):
        app.include_router(router)
    app.include_router(internal.build_router(settings.nonce, mark))
    return app


def _settings_or_exit() -> Core:
    try:
        return read_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write("The service cannot start:\n" + "".join(f"  {line}\n" for line in error.lines))
        sys.stderr.flush()
        raise SystemExit(EXIT_BAD_SETTINGS) from error
