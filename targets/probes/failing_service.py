"""The reference service with routes that fail, and the same as FastAPI ships it: what nobody handles is the twin."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from targets.service.main import create_app as create_service
from targets.service.middleware.problem import ProblemMiddleware

UNHANDLED = "/probe/unhandled"
PLAIN = "/probe/plain"


def create_app() -> FastAPI:
    """Build the service as its settings say, and add the routes: no service has them on its own account."""
    app = create_service()
    app.add_api_route(UNHANDLED, _raise_unhandled, include_in_schema=False)
    app.add_api_route(PLAIN, _raise_plain, include_in_schema=False)
    return app


def create_bare() -> FastAPI:
    """Build the same with the framework's own handlers in the place of the service's."""
    app = create_app()
    innermost: object = app.user_middleware[-1].cls
    if innermost is not ProblemMiddleware:
        raise RuntimeError("the innermost frame is not the one that makes problems of exceptions")
    del app.user_middleware[-1]
    app.exception_handlers[HTTPException] = http_exception_handler
    app.exception_handlers[RequestValidationError] = request_validation_exception_handler
    return app


async def _raise_unhandled() -> None:
    raise ZeroDivisionError("a reason that is nobody's business")


async def _raise_plain() -> None:
    """Raise what a library may raise that knows nothing of problems."""
    raise HTTPException(418, "a teapot")
